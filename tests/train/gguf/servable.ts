/** A tiny checkpoint of each family in a shape that llama.cpp serves, with random weights that f16 holds exactly. */
import { fileURLToPath } from 'node:url';
import { Random } from '../../../src/base/random.ts';
import { filesUnder } from '../../../src/cli/node-files.ts';
import { blobSource, type ByteSource } from '../../../src/formats/byte-source.ts';
import { f32ArrayToF16 } from '../../../src/formats/half.ts';
import { writeSafetensors, type TensorToWrite } from '../../../src/formats/safetensors-writer.ts';
import type { BoxFamily } from '../../../src/grounding/convention.ts';
import { parseArchitecture } from '../../../src/models/load.ts';
import { entriesOf } from '../../../src/models/vision-language.ts';
import { bytesSource } from '../../formats/bytes-source.ts';

const TEXT = { vocab_size: 352, num_hidden_layers: 3, num_attention_heads: 4, num_key_value_heads: 2 };
const QWEN_VISION = { depth: 4, num_heads: 2, spatial_merge_size: 2, temporal_patch_size: 2 };
const CLIP = { image_mean: [0.48145466, 0.4578275, 0.40821073], image_std: [0.26862954, 0.26130258, 0.27577711] };

/** Whose tokenizer and template it has, and what is said of it. */
const SHAPES: Readonly<Record<BoxFamily, { from: string; config: Record<string, unknown>; pictures: object }>> = {
  qwen2_vl: {
    from: 'qwen2_vl/policy-dapo',
    config: {
      text_config: {
        ...TEXT,
        hidden_size: 64,
        intermediate_size: 96,
        rope_parameters: { mrope_section: [2, 3, 3], rope_theta: 1e4, rope_type: 'default' },
      },
      vision_config: { ...QWEN_VISION, embed_dim: 64, hidden_size: 64, mlp_ratio: 2, patch_size: 14 },
      tie_word_embeddings: true,
    },
    pictures: { min_pixels: 28 * 28 * 8, max_pixels: 28 * 28 * 64, ...CLIP },
  },
  qwen2_5_vl: {
    from: 'qwen2_5_vl/policy-dapo',
    config: {
      text_config: {
        ...TEXT,
        hidden_size: 64,
        intermediate_size: 96,
        rope_parameters: { mrope_section: [2, 3, 3], rope_theta: 1e4, rope_type: 'default' },
      },
      vision_config: {
        ...QWEN_VISION,
        hidden_size: 64,
        intermediate_size: 96,
        out_hidden_size: 64,
        patch_size: 14,
        window_size: 112,
        fullatt_block_indexes: [1, 3],
      },
      tie_word_embeddings: false,
    },
    pictures: { min_pixels: 28 * 28 * 8, max_pixels: 28 * 28 * 64, ...CLIP },
  },
  qwen3_vl: {
    from: 'qwen3_vl/policy-dapo',
    config: {
      text_config: {
        ...TEXT,
        hidden_size: 64,
        head_dim: 32,
        intermediate_size: 96,
        rope_parameters: { mrope_interleaved: true, mrope_section: [6, 5, 5], rope_theta: 1e4, rope_type: 'default' },
      },
      vision_config: {
        ...QWEN_VISION,
        hidden_size: 64,
        intermediate_size: 96,
        out_hidden_size: 64,
        patch_size: 16,
        num_position_embeddings: 36,
        deepstack_visual_indexes: [0, 2],
      },
      tie_word_embeddings: true,
    },
    pictures: { size: { shortest_edge: 32 * 32 * 8, longest_edge: 32 * 32 * 64 } },
  },
  smolvlm: {
    from: 'smolvlm/split',
    config: {
      text_config: {
        ...TEXT,
        vocab_size: 384,
        hidden_size: 64,
        head_dim: 16,
        intermediate_size: 96,
        rope_theta: 1e4,
        rope_scaling: null,
        rope_parameters: null,
      },
      vision_config: {
        hidden_size: 64,
        num_hidden_layers: 3,
        num_attention_heads: 2,
        intermediate_size: 96,
        image_size: 56,
        patch_size: 14,
      },
      scale_factor: 2,
      tie_word_embeddings: false,
    },
    pictures: { do_image_splitting: true, size: { longest_edge: 112 }, max_image_size: { longest_edge: 56 } },
  },
};

/** Files of a checkpoint folder by name. `change` is laid over config.json. */
export async function servable(
  family: BoxFamily,
  change: Record<string, unknown> = {},
): Promise<Map<string, ByteSource>> {
  const { from, config, pictures } = SHAPES[family];
  const folder = fileURLToPath(new URL(`../../golden/${from}/checkpoint`, import.meta.url));
  const files = new Map((await filesUnder(folder)).map(({ path, file }) => [path, blobSource(file)]));
  const json = async (path: string) =>
    JSON.parse(new TextDecoder().decode(await files.get(path)!.read(0, files.get(path)!.size))) as Record<
      string,
      unknown
    >;
  const laid = (under: Record<string, unknown>, over: Record<string, unknown>): Record<string, unknown> => ({
    ...under,
    ...Object.fromEntries(
      Object.entries(over).map(([key, value]) => [
        key,
        typeof value === 'object' && value !== null && !Array.isArray(value)
          ? laid((under[key] ?? {}) as Record<string, unknown>, value as Record<string, unknown>)
          : value,
      ]),
    ),
  });
  const whole = laid(laid(await json('config.json'), config), { dtype: 'float16', torch_dtype: 'float16', ...change });
  const text = (value: unknown) => bytesSource(new TextEncoder().encode(JSON.stringify(value)));
  files.set('config.json', text(whole));
  const { patch_size: patch, spatial_merge_size: merge } = whole['vision_config'] as Record<string, number>;
  const ofPictures = { ...(await json('preprocessor_config.json')), ...pictures };
  files.set(
    'preprocessor_config.json',
    text(merge === undefined ? ofPictures : { ...ofPictures, patch_size: patch, merge_size: merge }),
  );
  for (const path of files.keys()) if (path.includes('.safetensors')) files.delete(path);
  const { model, added_tokens: added } = (await json('tokenizer.json')) as {
    model: { vocab: object };
    added_tokens: readonly object[];
  };
  files.set('model.safetensors', await weights(whole, Object.keys(model.vocab).length + added.length));
  return files;
}

/** Tokens that the tokenizer does not have, and those that are not to be said, are not: their rows are zero. */
async function weights(config: Record<string, unknown>, known: number): Promise<ByteSource> {
  const random = new Random(11);
  const architecture = parseArchitecture(config);
  const { suppressedTokens } = architecture;
  const tensors = entriesOf(architecture).map(({ name, shape, role }): TensorToWrite => {
    const size = shape.reduce((a, b) => a * b, 1);
    const inputs = size / shape[0]!;
    const norm = /norm\w*\.weight$|layernorm\.weight$|ln_q\.weight$|layer_norm\d\.weight$/.test(name);
    const scale = role === 'vector' ? 0.1 : role === 'embedding' || role === 'table' ? 0.5 : 1.2 / Math.sqrt(inputs);
    const values = Float32Array.from({ length: size }, () => random.normal() * scale + (norm ? 1 : 0));
    if (role === 'embedding' || role === 'head') {
      values.fill(0, known * inputs);
      // Nothing is normalised that is all zeros: llama.cpp b10257 forgets the epsilon of Qwen2-VL.
      if (role === 'head') for (const id of suppressedTokens) values.fill(0, id * inputs, (id + 1) * inputs);
    }
    const { bits } = f32ArrayToF16(values);
    return { name, dtype: 'F16', shape, bytes: () => new Uint8Array(bits.buffer) };
  });
  const parts: Uint8Array[] = [];
  for await (const part of writeSafetensors(tensors)) parts.push(part.slice());
  return bytesSource(new Uint8Array(Buffer.concat(parts)));
}
