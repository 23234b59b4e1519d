/** Sizes of a Llama-like decoder from config.json, held against what the kernels compute. */
import type { DecoderShape } from '../nn/decoder.ts';
import type { Fields } from './fields.ts';

/** Largest head of the attention kernels (ops/attention.ts). */
const LARGEST_HEAD = 128;

interface Defaults {
  readonly normEps: number;
  /** A head may be of another size than hidden / heads. */
  readonly headApart: boolean;
  readonly sizes?: Readonly<
    Record<'hidden_size' | 'num_hidden_layers' | 'num_attention_heads' | 'intermediate_size', number>
  >;
}

/** @throws GroundworkError `config-invalid` for sizes that no kernel here computes */
export function parseDecoderShape(text: Fields, { normEps, headApart, sizes }: Defaults): DecoderShape {
  text.only('hidden_act', 'silu');
  const hiddenSize = text.size('hidden_size', sizes?.hidden_size, 4);
  const heads = text.size('num_attention_heads', sizes?.num_attention_heads);
  const kvHeads = text.size('num_key_value_heads', heads);
  if (heads % kvHeads !== 0) throw text.invalid('num_key_value_heads', `a divisor of num_attention_heads (${heads})`);
  if (!headApart && text.has('head_dim') && text.number('head_dim') !== hiddenSize / heads)
    throw text.invalid('head_dim', `hidden_size / num_attention_heads (${hiddenSize / heads}) in this family`);
  return {
    hiddenSize,
    layers: text.layers('num_hidden_layers', sizes?.num_hidden_layers),
    heads,
    kvHeads,
    headDim: headSize(
      text,
      text.has('head_dim') ? 'head_dim' : 'num_attention_heads',
      text.number('head_dim', hiddenSize / heads),
    ),
    intermediateSize: text.size('intermediate_size', sizes?.intermediate_size, 4),
    normEps: text.number('rms_norm_eps', normEps),
  };
}

/** The size of a head, if the kernels compute it; else the field it comes from is refused. */
export function headSize(fields: Fields, key: string, size: number): number {
  if (Number.isInteger(size) && size % 4 === 0 && size <= LARGEST_HEAD) return size;
  throw fields.invalid(
    key,
    `such that a head has a multiple of 4 values, no more than ${LARGEST_HEAD} (it has ${size})`,
    'Groundwork has no kernels for heads of this size.',
  );
}
