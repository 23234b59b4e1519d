/**
 * The decoder of a language model as the Llama and Qwen families have it: pre-norm attention with grouped queries and
 * rotary positions, SwiGLU, residuals. One function records a layer for training, prefill and decoding alike; what
 * differs is only where keys and values live and which of them a token may see.
 */
import type { Tensor } from '../gpu/tensor.ts';
import { attention } from '../ops/attention.ts';
import { addFeatures, gatherRows, scatterInto, type Features } from '../ops/gather.ts';
import { linear, type LinearWeights, type Lora } from '../ops/linear.ts';
import { rmsNorm } from '../ops/rms-norm.ts';
import { rotary, type RotaryTable } from '../ops/rotary.ts';
import { swiglu } from '../ops/swiglu.ts';
import type { Tape } from '../ops/tape.ts';

export interface DecoderShape {
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly intermediateSize: number;
  readonly normEps: number;
}

export interface DecoderLayerWeights {
  readonly inputNorm: Tensor;
  readonly postNorm: Tensor;
  /** [headDim], for q and k per head (Qwen3). */
  readonly qNorm?: Tensor;
  readonly kNorm?: Tensor;
  /** Module name and weights of q, k, v, o, gate, up and down. */
  readonly linears: Readonly<Record<DecoderLinear, { readonly module: string; readonly weights: LinearWeights }>>;
}

export type DecoderLinear = 'q' | 'k' | 'v' | 'o' | 'gate' | 'up' | 'down';

/** Keys and values of one layer, [capacity, kvHeads · D] each. */
export interface LayerCache {
  readonly k: Tensor;
  readonly v: Tensor;
}

/** Some rows of a sequence, and for them what DecoderContext says of all rows. */
export interface WantedRows {
  /** i32 [U]: distinct ones where gradients are wanted; −1 pads. */
  readonly rows: Tensor;
  /** u32 [U]: rows of the rotary table. */
  readonly positions: Tensor;
  /** u32 [U, 4] */
  readonly ranges: Tensor;
  /** u32 [T, 2]: which of the U see a key; only for training. */
  readonly keyRanges?: Tensor | undefined;
}

export interface DecoderContext {
  readonly rotary: RotaryTable;
  /** u32 [T, 4]: see ops/attention.ts. */
  readonly ranges: Tensor;
  /** u32 [T, 2]; only for training. */
  readonly keyRanges?: Tensor | undefined;
  /** Adapters on, or undefined for the bare weights (the reference policy). */
  readonly lora?: ((module: string) => Lora | undefined) | undefined;
  /** Generation: keys and values go to these rows of the cache, and attention reads the cache. */
  readonly cache?: { readonly layers: readonly LayerCache[]; readonly rows: Tensor } | undefined;
  /** Decoding: every row sees other keys (see ops/attention.ts). */
  readonly scattered?: boolean | undefined;
  /** DeepStack: after layer i < layers, columns (1 + i) · hidden … of the features are added in their places. */
  readonly deepstack?: (Features & { readonly layers: number }) | undefined;
  /** The only rows of the result that anybody wants; default: all. */
  readonly wanted?: WantedRows | undefined;
  /** Recompute each layer in the backward pass. */
  readonly checkpoint?: boolean | undefined;
}

/**
 * x [T, hidden] → [T, hidden], or [U, hidden] where rows are wanted, before the final norm. What comes behind the keys
 * and values of the last layer is made for the wanted rows alone: nobody would read the others.
 */
export function decoder(
  tape: Tape,
  x: Tensor,
  shape: DecoderShape,
  weights: readonly DecoderLayerWeights[],
  context: DecoderContext,
): Tensor {
  let hidden = x;
  const { wanted } = context;
  const last = weights.length - 1;
  // Features that are added behind the last layer lie in places of all rows.
  const early = (context.deepstack?.layers ?? 0) <= last;
  weights.forEach((layer, i) => {
    const run = (t: Tape, h: Tensor) =>
      decoderLayer(t, h, shape, layer, context, i, i === last && early ? wanted : undefined);
    const trains = Object.values(layer.linears).some(({ module }) => context.lora?.(module));
    hidden = context.checkpoint ? tape.checkpoint(hidden, run, trains) : run(tape, hidden);
  });
  return wanted && !early ? gatherRows(tape, hidden, wanted.rows) : hidden;
}

function decoderLayer(
  tape: Tape,
  x: Tensor,
  shape: DecoderShape,
  weights: DecoderLayerWeights,
  context: DecoderContext,
  index: number,
  wanted: WantedRows | undefined,
): Tensor {
  const { heads, kvHeads, headDim, normEps } = shape;
  const pick = (t: Tensor) => (wanted ? gatherRows(tape, t, wanted.rows) : t);
  const project = (name: DecoderLinear, input: Tensor, residual?: Tensor) => {
    const { module, weights: w } = weights.linears[name];
    return linear(tape, input, w, {
      lora: context.lora?.(module),
      label: `layer ${index} ${name}`,
      ...(residual && { residual }),
    });
  };
  const h = rmsNorm(tape, x, weights.inputNorm, normEps);
  const perHead = (t: Tensor, weight: Tensor | undefined) =>
    weight ? rmsNorm(tape, t.reshape(t.size / headDim, headDim), weight, normEps).reshape(...t.shape) : t;
  const turn = wanted ? { ...context.rotary, positions: wanted.positions } : context.rotary;
  const q = rotary(tape, perHead(project('q', pick(h)), weights.qNorm), turn, { heads, headDim });
  const [k, v] = keysAndValues(tape, perHead(project('k', h), weights.kNorm), project('v', h), shape, context, index);
  const o = attention(tape, {
    q,
    k,
    v,
    ranges: (wanted ?? context).ranges,
    keyRanges: (wanted ?? context).keyRanges ?? null,
    heads,
    kvHeads,
    headDim,
    scale: 1 / Math.sqrt(headDim),
    scattered: context.scattered ?? false,
  });
  const y = project('o', o, pick(x));
  const n = rmsNorm(tape, y, weights.postNorm, normEps);
  const out = project('down', swiglu(tape, project('gate', n), project('up', n)), y);
  if (context.deepstack && index < context.deepstack.layers)
    addFeatures(tape.rec, out, context.deepstack, (1 + index) * shape.hiddenSize);
  return out;
}

function keysAndValues(
  tape: Tape,
  k: Tensor,
  v: Tensor,
  { kvHeads: heads, headDim }: DecoderShape,
  { rotary: table, cache }: DecoderContext,
  index: number,
): [Tensor, Tensor] {
  if (!cache) return [rotary(tape, k, table, { heads, headDim }), v];
  const layer = cache.layers[index]!;
  rotary(tape, k, table, { heads, headDim, into: { tensor: layer.k, rows: cache.rows } });
  scatterInto(tape.rec, v, cache.rows, layer.v);
  return [layer.k, layer.v];
}
