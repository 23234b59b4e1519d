/**
 * Matrix products as the recorder sees them; not differentiable by themselves (ops/linear.ts is). Kernel and tile are
 * chosen here, by adapter and shape. What was measured and what did not help: docs/kernels.md.
 */
import fewRows from '../../shaders/matmul/few-rows.wgsl';
import subgroup from '../../shaders/matmul/subgroup.wgsl';
import sumParts from '../../shaders/matmul/sum-parts.wgsl';
import { invariant } from '../base/error.ts';
import type { Recorder } from '../gpu/recorder.ts';
import type { Constants } from '../gpu/template.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { tuningOf, type TiledProducts } from '../gpu/tuning.ts';
import { expanded } from './expand.ts';
import { ceilDiv, flatGroups, rowGroups } from './groups.ts';
import { isQuantised, partsOf, weightBindings, weightConstants, type MatrixPart, type Weight } from './matrix.ts';
import { productTile } from './product-tiles.ts';

export interface NtOptions {
  readonly bias?: Tensor;
  /** Adds scale · z [M, R] · b [N, R]ᵀ. */
  readonly lora?: { readonly z: Tensor; readonly b: Tensor; readonly scale: number };
  readonly residual?: Tensor;
}

/** x [M, K], w [N, K] → y [M, N] = x·wᵀ + bias + s·z·bᵀ + residual. K is a multiple of 4. */
export function matmulNt(rec: Recorder, x: Tensor, w: Weight, y: Tensor, options: NtOptions = {}): void {
  const [M, N, K] = [x.rows, w.rows, x.columns];
  invariant(w.columns === K && y.rows === M && y.columns === N, `matmul: [${x.shape}] · [${w.shape}]ᵀ → [${y.shape}]`);
  invariant(K % 4 === 0, `matmul: inner size ${K} is not a multiple of 4`);
  const { bias, lora, residual } = options;
  for (const part of readable(rec, w, M))
    record(rec, {
      layout: 'nt',
      rows: M,
      cols: part.rows,
      inner: K,
      R: lora?.z.columns ?? 0,
      scale: lora?.scale ?? 1,
      part,
      stride: N,
      bind: { x, y, ...(lora && { z: lora.z, b: lora.b }), ...(bias && { bias }), ...(residual && { residual }) },
    });
}

export interface NnOptions {
  /** Adds u [M, R] · a [R, N]. */
  readonly lora?: { readonly u: Tensor; readonly a: Tensor };
  readonly scale?: number;
  readonly accumulate?: boolean;
}

/** x [M, K], w [K, N] → y [M, N] (+)= scale·x·w + u·a. K and N are multiples of 4. */
export function matmulNn(rec: Recorder, x: Tensor, w: Weight, y: Tensor, options: NnOptions = {}): void {
  const [M, N, K] = [x.rows, w.columns, x.columns];
  invariant(w.rows === K && y.rows === M && y.columns === N, `matmul: [${x.shape}] · [${w.shape}] → [${y.shape}]`);
  invariant(K % 4 === 0 && N % 4 === 0, `matmul: sizes ${K}, ${N} are not multiples of 4`);
  const { lora, scale = 1, accumulate = false } = options;
  let first = true;
  for (const part of readable(rec, w, M)) {
    record(rec, {
      layout: 'nn',
      rows: M,
      cols: N,
      inner: part.rows,
      // Blocks of rows add up; the adapter's term comes with the first.
      R: first ? (lora?.u.columns ?? 0) : 0,
      scale,
      accumulate: accumulate || !first,
      part,
      stride: K,
      bind: { x, y, ...(lora && first && { z: lora.u, b: lora.a }) },
    });
    first = false;
  }
}

/** x [M, K], w [M, N] → y [K, N] (+)= scale·xᵀ·w. K and N are multiples of 4. */
export function matmulTn(
  rec: Recorder,
  x: Tensor,
  w: Tensor,
  y: Tensor,
  options: { scale?: number; accumulate?: boolean } = {},
): void {
  const [M, N, K] = [x.rows, w.columns, x.columns];
  invariant(w.rows === M && y.rows === K && y.columns === N, `matmul: [${x.shape}]ᵀ · [${w.shape}] → [${y.shape}]`);
  invariant(K % 4 === 0 && N % 4 === 0, `matmul: sizes ${K}, ${N} are not multiples of 4`);
  const { scale = 1, accumulate = false } = options;
  const [part] = partsOf(w) as [MatrixPart];
  record(rec, { layout: 'tn', rows: K, cols: N, inner: M, R: 0, scale, accumulate, part, stride: 0, bind: { x, y } });
}

/** Rows from which on quantised weights are put into f32 for a product on four lanes. */
const EXPANDED = 17;

/** Parts of a weight as a product with so many rows reads them. Taking codes apart is dear on four lanes, see docs/kernels.md. */
function* readable(rec: Recorder, w: Weight, rows: number): Generator<MatrixPart> {
  const { gpu } = rec.session;
  const dear =
    tuningOf(gpu).products.kernel === 'subgroup' && gpu.subgroupSize === 4 && alikeRows(rec, rows) >= EXPANDED;
  for (const part of partsOf(w)) {
    if (dear && isQuantised(part.format)) yield* expanded(rec, part, w.columns);
    else yield part;
  }
}

/** A product by the shape of its result: y [rows, cols], a sum over `inner`, with a LoRA term of rank R. */
interface Product {
  readonly layout: 'nn' | 'nt' | 'tn';
  readonly rows: number;
  readonly cols: number;
  readonly inner: number;
  readonly R: number;
  readonly scale: number;
  readonly accumulate?: boolean;
  /** The weights, or the block of their rows that this product is for. */
  readonly part: MatrixPart;
  /** Columns of the whole y (nt) or the whole x (nn), of which this product has those from `part.first` on. */
  readonly stride: number;
  /** All but the weights. */
  readonly bind: Readonly<Record<string, Tensor>>;
}

/** `alike`: rows by which kernel and tile are chosen (see `RecorderOptions`). */
type Chosen = Product & { readonly alike: number };

const alikeRows = (rec: Recorder, rows: number): number => Math.round(rows * rec.alike);

function record(rec: Recorder, given: Product): void {
  invariant(given.R % 4 === 0, `matmul: rank ${given.R} is not a multiple of 4`);
  const product: Chosen = { ...given, alike: alikeRows(rec, given.rows) };
  const { products } = tuningOf(rec.session.gpu);
  if (products.kernel === 'subgroup') recordSubgroup(rec, product);
  else if (product.layout === 'nt' && product.alike <= products.few) recordFewRows(rec, product, products);
  else recordTiles(rec, product, products);
}

/** Constants that follow from what is bound. */
const flags = ({ layout, part, bind, accumulate = false }: Product) => ({
  ...weightConstants(part),
  NT: layout === 'nt',
  TN: layout === 'tn',
  LORA: 'z' in bind,
  BIAS: 'bias' in bind,
  RESIDUAL: 'residual' in bind,
  ACCUMULATE: accumulate,
});

/** Elements of what shaders/lib/product.wgsl binds beside weights and result. */
const FLOATS = { X: 'vec4<f32>', B: 'vec4<f32>' } as const;

const multiplyAdds = ({ rows, cols, inner, R }: Product): number => rows * cols * (inner + R);

/** Where a block of rows lies in y (nt, in numbers) or x (nn, in vectors of four). */
const place = ({ layout, part, stride }: Product) =>
  layout === 'nn' ? { first: part.first / 4, stride: stride / 4 } : { first: part.first, stride };

const VECTOR = { 1: 'f32', 2: 'vec2<f32>', 4: 'vec4<f32>' } as const;

function recordSubgroup(rec: Recorder, product: Chosen): void {
  const { layout, rows, alike, cols, inner, R, scale, part, bind, accumulate = false } = product;
  const lanes = rec.session.gpu.subgroupSize;
  const { NT, TN } = flags(product);
  const weights = weightConstants(part);
  const { BITS } = weights;
  const { SWAP, tm, depth } = subgroupTile(lanes, alike, layout);
  const strip = Math.min(tm, 2);
  const steps = ceilDiv(lanes, tm);
  const at = place(product);
  const v = columnsPerLane(lanes, alike, cols, NT ? cols | at.first | at.stride : cols, BITS === 16 && !NT);
  rec.dispatch(`matmul/${layout}`, subgroup, {
    constants: {
      ...weights,
      NT,
      TN,
      LORA: !TN,
      BIAS: NT,
      RESIDUAL: NT,
      SWAP,
      TM: tm,
      STRIP: strip,
      V: v,
      SHARES: ceilDiv(tm, lanes),
      STEPS: steps,
      DEPTH: depth,
      X: TN ? 'f32' : 'vec4<f32>',
      ...chunkConstants(NT, BITS, steps, inner),
      ...(BITS <= 8 && { HELD: lanes >= 8, WORDS: (v * lanes * BITS) / 32 }),
      ...(!NT && BITS > 8 && { W: BITS === 32 ? VECTOR[v] : v === 2 ? 'u32' : 'vec2<u32>' }),
      Y: VECTOR[v],
      B: NT ? 'vec4<f32>' : VECTOR[v],
    },
    // x stands in for what is not there.
    bind: {
      ...(!TN && { z: bind.x!, b: bind.x! }),
      ...(NT && { bias: bind.x!, residual: bind.x! }),
      ...bind,
      ...weightBindings(part),
    },
    params: {
      rows,
      cols,
      inner: TN ? inner : inner / depth,
      R,
      scale,
      ...(NT ? { first: at.first / v, stride: at.stride / v } : at),
      biased: Number('bias' in bind),
      onto: Number(NT ? 'residual' in bind : accumulate),
      strips: tm / strip,
    },
    groups: [ceilDiv(cols, v * lanes), ceilDiv(rows, tm)],
    multiplyAdds: multiplyAdds(product),
  });
}

/**
 * CHUNKED: x·wᵀ loads narrow weights a vec4 of words a lane and column at a time, each CHUNK steps of four weights, CHUNKS
 * together. Halves only where that takes no loop within the loop, which costs more than the loads it saves.
 */
function chunkConstants(NT: boolean, bits: number, steps: number, inner: number): Constants {
  const CHUNK = 32 / bits;
  const CHUNKS = ceilDiv(steps, CHUNK);
  const narrow = bits <= 8 || (bits === 16 && steps >= CHUNK);
  const CHUNKED = NT && narrow && inner % (4 * CHUNK * CHUNKS) === 0;
  return { CHUNK, CHUNKS, CHUNKED, WORDWISE: !CHUNKED, ...(CHUNKED && { W: 'vec4<u32>' }) };
}

/**
 * Rows that a subgroup takes, and terms of the sum that it takes at a time. With four lanes, as many as their code can
 * be without outgrowing the cache for instructions (docs/kernels.md).
 */
function subgroupTile(
  lanes: number,
  rows: number,
  layout: Product['layout'],
): { readonly SWAP: boolean; readonly tm: number; readonly depth: 1 | 4 } {
  const SWAP = lanes === 4 && rows > 2;
  const tm = rows > 8 ? 16 : rows > 4 ? 8 : rows > 2 ? 4 : rows;
  if (SWAP && rows > 16) return { SWAP, tm: 12, depth: 4 };
  return { SWAP, tm, depth: layout === 'tn' && !SWAP ? 1 : 4 };
}

/**
 * A subgroup takes 16 columns (16 × 16 sums are what registers hold), fewer where there are fewer columns or rows. A
 * lane's columns are neighbours that make one vector of y, so places in y are to be multiples of them: `places` has no
 * lower bits than any of those.
 */
function columnsPerLane(lanes: number, rows: number, cols: number, places: number, pairs: boolean): 1 | 2 | 4 {
  const wanted = Math.min(rows <= 2 ? lanes : 16, cols) / lanes;
  if (wanted > 2 && places % 4 === 0) return 4;
  return (wanted > 1 || pairs) && places % 2 === 0 ? 2 : 1;
}

/** Columns an invocation has in few-rows.wgsl, of eight rows at most: as many as leave the GPU busy. */
function columnsOfFewRows(cols: number, busy: number): 1 | 2 | 4 {
  if (cols >= 8 * busy) return 4;
  return cols >= 4 * busy ? 2 : 1;
}

/** Elements of narrow weights of which one has eight of them. */
const EIGHT = { 16: 'vec4<u32>', 8: 'vec2<u32>', 4: 'u32' } as const;

function recordFewRows(rec: Recorder, product: Chosen, { busy }: TiledProducts): void {
  const { rows, alike, cols, inner, R, scale, part, bind } = product;
  const constants = flags(product);
  const { BITS } = constants;
  const TC = columnsOfFewRows(cols, busy);
  // As many as give every invocation something.
  const CHUNK = BITS !== 32 && inner % 8 === 0 && inner >= 256 ? 2 : 1;
  rec.dispatch('matmul/nt', fewRows, {
    constants: {
      ...constants,
      ...FLOATS,
      SPLIT: false,
      Y: 'f32',
      TM: alike > 4 ? 8 : alike > 2 ? 4 : alike,
      TC,
      CHUNK,
      ...(CHUNK === 2 && { W: EIGHT[BITS as keyof typeof EIGHT], WORDWISE: false }),
    },
    bind: { ...bind, ...weightBindings(part) },
    params: { rows, cols, inner, R, scale, stretch: 0, ...place(product) },
    groups: rowGroups(ceilDiv(cols, 2 * TC)),
    multiplyAdds: multiplyAdds(product),
  });
}

/** Terms in each part of a split sum, at least. */
const STRETCH = 256;

/**
 * Terms in each part of a sum that is split because its result alone would leave a GPU idle; all of them where it need not
 * be. What is added to a product is added once, so one with a LoRA term stays whole.
 */
function stretchOf({ layout, inner, R }: Product, tiles: number, busy: number): number {
  const enough = layout === 'tn' ? busy : 2 * busy;
  if (layout === 'nt' || R > 0 || tiles >= enough) return inner;
  const parts = Math.min(ceilDiv(inner, STRETCH), layout === 'tn' ? Infinity : ceilDiv(2 * enough, tiles));
  return ceilDiv(ceilDiv(inner, parts), STRETCH) * STRETCH;
}

function recordTiles(rec: Recorder, product: Chosen, tuning: TiledProducts): void {
  const { layout, rows, cols, inner, R, scale, part, bind } = product;
  const constants = flags(product);
  const tile = productTile(tuning, { layout, rows: product.alike, cols });
  const [across, down] = [ceilDiv(cols, tile.columns), ceilDiv(rows, tile.rows)];
  const stretch = stretchOf(product, across * down, tuning.busy);
  const parts = ceilDiv(inner, stretch);
  const SPLIT = parts > 1;
  const partial = SPLIT ? rec.empty('matmul parts', [parts, rows, cols]) : bind.y!;
  rec.dispatch(`matmul/${layout}`, tile.source, {
    constants: {
      ...constants,
      ...FLOATS,
      ...tile.constants,
      ACCUMULATE: constants.ACCUMULATE && !SPLIT,
      SPLIT,
      Y: constants.NT ? 'f32' : 'vec4<f32>',
    },
    bind: { ...bind, ...weightBindings(part), y: partial },
    params: { rows, cols, inner, R, scale, stretch, ...place(product) },
    groups: [across, down, parts],
    multiplyAdds: multiplyAdds(product),
  });
  if (!SPLIT) return;
  rec.dispatch('matmul/sum-parts', sumParts, {
    constants: { ACCUMULATE: constants.ACCUMULATE },
    bind: { part: partial, y: bind.y! },
    params: { n4: (rows * cols) / 4, parts },
    groups: flatGroups((rows * cols) / 4),
  });
}
