/**
 * Several adapters of one base as one: PEFT's `add_weighted_adapter` (0.21, `tuners/lora/model.py`), kind by kind. The
 * result has scaling 1. A kind works on the factors A and B, sets them side by side, or works on the whole change
 * s·B·A and cuts it back to a rank.
 */
import { GroundworkError } from '../../base/error.ts';
import { Random } from '../../base/random.ts';
import type { AdapterMatrices, AdapterTarget } from '../../nn/adapter.ts';
import { byModule, refuseDora, sideBySide } from '../combine.ts';
import type { MergedAdapter } from '../merged-rows.ts';
import { disjointMean, keepLargest, keepMasked, weightedSum, type SignElection } from './task-vectors.ts';
import { largestTriplets, type LinearMap } from './truncated-svd.ts';

export interface Combination {
  readonly summary: string;
  /** What the kind works on. */
  readonly works: 'factors' | 'side by side' | 'change';
  /** Which numbers are dropped first. */
  readonly drops?: 'smallest' | 'random';
  /** Numbers whose sign is outvoted are left out, too. */
  readonly elects?: true;
}

const inFactors = (how: string) => `${how}, of the factors A and of the factors B apart`;
const inChange = (how: string) => `${how}, of the changes s·B·A, cut back to a rank`;

export const COMBINATIONS = {
  linear: { summary: inFactors('weighted sum'), works: 'factors' },
  cat: { summary: 'weighted sum of the changes, exact: the ranks add up', works: 'side by side' },
  svd: { summary: inChange('weighted sum'), works: 'change' },
  ties: { summary: inFactors('TIES'), works: 'factors', drops: 'smallest', elects: true },
  ties_svd: { summary: inChange('TIES'), works: 'change', drops: 'smallest', elects: true },
  dare_linear: { summary: inFactors('DARE, then a weighted sum'), works: 'factors', drops: 'random' },
  dare_linear_svd: { summary: inChange('DARE, then a weighted sum'), works: 'change', drops: 'random' },
  dare_ties: { summary: inFactors('DARE, then TIES'), works: 'factors', drops: 'random', elects: true },
  dare_ties_svd: { summary: inChange('DARE, then TIES'), works: 'change', drops: 'random', elects: true },
  magnitude_prune: { summary: inFactors('the largest numbers’ weighted sum'), works: 'factors', drops: 'smallest' },
  magnitude_prune_svd: { summary: inChange('the largest numbers’ weighted sum'), works: 'change', drops: 'smallest' },
} as const satisfies Readonly<Record<string, Combination>>;

export type CombinationKind = keyof typeof COMBINATIONS;

/** What DARE keeps of one matrix: 1 stays. `matrix`: which one of the part. */
export type MaskSource = (
  part: number,
  module: string,
  matrix: 'A' | 'B' | 'change',
  length: number,
) => ArrayLike<number>;

export interface CombineSettings {
  readonly kind: CombinationKind;
  /** One an adapter; negative ones take away. */
  readonly weights: readonly number[];
  /** Share that stays where numbers are dropped; else it is not looked at. */
  readonly density?: number;
  readonly signs?: SignElection;
  /** Of the result of a kind that cuts back; the largest of the adapters' if left out. */
  readonly rank?: number;
  /** DARE's; drawn from the seed if left out. */
  readonly masks?: MaskSource;
  readonly seed?: number;
}

/**
 * One adapter of scaling 1. A single adapter is always weighed by `linear`, whatever the kind, as PEFT does.
 * @throws GroundworkError `merge-setting`, `merge-rank` (factors of different ranks), `merge-shape` (adapters of
 * different models), `adapter-unsupported` (DoRA)
 */
export function combineAdapters(adapters: readonly MergedAdapter[], settings: CombineSettings): MergedAdapter {
  checkSettings(adapters, settings);
  refuseDora(adapters);
  const kind = adapters.length === 1 ? 'linear' : settings.kind;
  const rule: Combination = COMBINATIONS[kind];
  const rank = settings.rank ?? Math.max(...adapters.flatMap(({ targets }) => targets.map(({ r }) => r)));
  const masks = settings.masks ?? drawn(settings.seed ?? 0, settings.density ?? 1);
  return byModule(adapters, (module) => {
    const parts = adapters.flatMap((adapter, index): Part[] => {
      const target = adapter.targets.find((t) => t.module === module);
      return target ? [{ index, target, weight: settings.weights[index]!, ...adapter.matrices.get(module)! }] : [];
    });
    checkShapes(parts);
    if (rule.works === 'side by side') return sideBySide(adapters, module, settings.weights);
    const mixed = (vectors: readonly Float32Array[], weights: readonly number[], matrix: 'A' | 'B' | 'change') =>
      mix(rule, settings, vectors, weights, (i, length) => masks(parts[i]!.index, module, matrix, length));
    return rule.works === 'factors' ? ofFactors(parts, kind, mixed) : ofChange(parts, rule, rank, mixed);
  });
}

interface Part extends AdapterMatrices {
  readonly index: number;
  readonly target: AdapterTarget;
  readonly weight: number;
}

type Mixed = (
  vectors: readonly Float32Array[],
  weights: readonly number[],
  matrix: 'A' | 'B' | 'change',
) => Float32Array;

function mix(
  { drops, elects }: Combination,
  { density = 1, signs = 'total' }: CombineSettings,
  vectors: readonly Float32Array[],
  weights: readonly number[],
  mask: (part: number, length: number) => ArrayLike<number>,
): Float32Array {
  const kept = vectors.map((vector, i) => {
    if (drops === 'smallest') return keepLargest(vector, density);
    return drops === 'random' ? keepMasked(vector, mask(i, vector.length), density) : vector;
  });
  return elects ? disjointMean(kept, weights, signs) : weightedSum(kept, weights);
}

/** The root of weight and scaling goes to either side, and the sign to A. */
function ofFactors(parts: readonly Part[], kind: CombinationKind, mixed: Mixed) {
  const { module, inFeatures, outFeatures, r } = parts[0]!.target;
  if (parts.some(({ target }) => target.r !== r))
    throw new GroundworkError(
      'merge-rank',
      `${module} has adapters of ranks ${parts.map(({ target }) => target.r).join(' and ')}, and ${kind} adds factors of equal rank.`,
      'Choose cat, svd or a kind that ends in _svd: they take any ranks.',
    );
  const whole = parts.map(({ weight, target }) => weight * target.scaling);
  const roots = whole.map((w) => Math.sqrt(Math.abs(w)));
  return {
    target: { module, inFeatures, outFeatures, r, alpha: r, scaling: 1 },
    a: mixed(
      parts.map(({ a }) => a),
      roots.map((root, i) => (whole[i]! >= 0 ? root : -root)),
      'A',
    ),
    b: mixed(
      parts.map(({ b }) => b),
      roots,
      'B',
    ),
  };
}

function ofChange(parts: readonly Part[], rule: Combination, rank: number, mixed: Mixed) {
  const { module, inFeatures, outFeatures } = parts[0]!.target;
  const weights = parts.map(({ weight }) => weight);
  // A plain sum stays a product of thin factors, and need not be multiplied out.
  const map = rule.drops
    ? matrixMap(mixed(parts.map(change), weights, 'change'), outFeatures, inFeatures)
    : productMap(parts);
  const triplets = largestTriplets(map, rank);
  const r = rank;
  const a = new Float32Array(r * inFeatures);
  const b = new Float32Array(outFeatures * r);
  for (const [k, { u, sigma, v }] of triplets.entries()) {
    a.set(v, k * inFeatures);
    for (let o = 0; o < outFeatures; o++) b[o * r + k] = u[o]! * sigma;
  }
  return { target: { module, inFeatures, outFeatures, r, alpha: r, scaling: 1 }, a, b };
}

/** s·B·A, [out, in] */
function change({ target: { r, inFeatures, outFeatures, scaling }, a, b }: Part): Float32Array {
  const whole = new Float32Array(outFeatures * inFeatures);
  const row = new Float64Array(inFeatures);
  for (let o = 0; o < outFeatures; o++) {
    row.fill(0);
    for (let k = 0; k < r; k++) {
      const factor = scaling * b[o * r + k]!;
      if (factor !== 0) for (let i = 0; i < inFeatures; i++) row[i]! += factor * a[k * inFeatures + i]!;
    }
    whole.set(row, o * inFeatures);
  }
  return whole;
}

function matrixMap(matrix: Float32Array, rows: number, columns: number): LinearMap {
  return {
    rows,
    columns,
    times: (x) => product(matrix, rows, columns, x),
    transposed: (y) => transposedProduct(matrix, rows, columns, y),
  };
}

function productMap(parts: readonly Part[]): LinearMap {
  const { outFeatures: rows, inFeatures: columns } = parts[0]!.target;
  const sum = (size: number, each: (part: Part) => Float64Array): Float64Array => {
    const total = new Float64Array(size);
    for (const part of parts) {
      const values = each(part);
      const factor = part.weight * part.target.scaling;
      for (let i = 0; i < size; i++) total[i]! += factor * values[i]!;
    }
    return total;
  };
  return {
    rows,
    columns,
    times: (x) => sum(rows, ({ a, b, target: { r } }) => product(b, rows, r, product(a, r, columns, x))),
    transposed: (y) =>
      sum(columns, ({ a, b, target: { r } }) => transposedProduct(a, r, columns, transposedProduct(b, rows, r, y))),
  };
}

function product(matrix: Float32Array, rows: number, columns: number, x: Float64Array): Float64Array {
  const y = new Float64Array(rows);
  for (let o = 0, at = 0; o < rows; o++) {
    let sum = 0;
    for (let i = 0; i < columns; i++, at++) sum += matrix[at]! * x[i]!;
    y[o] = sum;
  }
  return y;
}

function transposedProduct(matrix: Float32Array, rows: number, columns: number, y: Float64Array): Float64Array {
  const x = new Float64Array(columns);
  for (let o = 0, at = 0; o < rows; o++) for (let i = 0; i < columns; i++, at++) x[i]! += matrix[at]! * y[o]!;
  return x;
}

/** Masks of a seed: each number stays with the chance `density`. */
function drawn(seed: number, density: number): MaskSource {
  const random = new Random(seed);
  return (_part, _module, _matrix, length) => Uint8Array.from({ length }, () => (random.uniform() < density ? 1 : 0));
}

function checkSettings(adapters: readonly MergedAdapter[], { kind, weights, density, rank }: CombineSettings): void {
  const refuse = (what: string, hint: string): never => {
    throw new GroundworkError('merge-setting', what, hint);
  };
  if (adapters.length === 0) refuse('There is no adapter to merge.', 'Name one or more adapters.');
  if (weights.length !== adapters.length || !weights.every(Number.isFinite))
    refuse(`${adapters.length} adapters have the weights ${weights.join(', ')}.`, 'Give each a number.');
  if (rank !== undefined && !(Number.isSafeInteger(rank) && rank >= 1))
    refuse(`A rank of ${rank} is not possible.`, 'Give a whole number from 1.');
  const drops = (COMBINATIONS[kind] as Combination).drops;
  if (drops && !(density !== undefined && density > 0 && density <= 1))
    refuse(
      density === undefined ? `${kind} needs a density.` : `A density of ${density} is not possible.`,
      'Give the share of numbers that stay: above 0, up to 1.',
    );
}

function checkShapes(parts: readonly Part[]): void {
  const shape = ({ target }: Part) => `[${target.outFeatures}, ${target.inFeatures}]`;
  const other = parts.find((part) => shape(part) !== shape(parts[0]!));
  if (other)
    throw new GroundworkError(
      'merge-shape',
      `${other.target.module} is ${shape(parts[0]!)} for one adapter and ${shape(other)} for another.`,
      'Merge adapters that were trained on the same model.',
    );
}
