/**
 * Task vectors: what trainings of one base changed, number by number, and how several become one. Pruning, election of
 * signs and sums as PEFT 0.21 defines them (`utils/merge_utils.py`; TIES arXiv 2306.01708, DARE arXiv 2311.03099).
 * Not here: what the numbers belong to, and where they are read from.
 */
import { LargestMagnitudes } from './largest-magnitudes.ts';

/** Whose sign wins: that of the sum, or that of more vectors. */
export type SignElection = 'total' | 'frequency';

/**
 * The int(density · n) largest magnitudes; all others become 0. Of equal ones at the border the first stay.
 * @param density share that stays, 0 to 1
 */
export function keepLargest(vector: Float32Array, density: number): Float32Array {
  if (density >= 1) return vector;
  const largest = new LargestMagnitudes(Math.trunc(density * vector.length));
  largest.count(vector);
  largest.refine();
  largest.count(vector);
  const kept = vector.slice();
  largest.prune(kept);
  return kept;
}

/** DARE: only what the mask names stays, grown by 1/density, so that the expected value is the same. */
export function keepMasked(vector: Float32Array, mask: ArrayLike<number>, density: number): Float32Array {
  if (density >= 1) return vector;
  return vector.map((value, i) => (mask[i] ? value / density : 0));
}

/** Σ wᵢ·xᵢ */
export function weightedSum(vectors: readonly Float32Array[], weights: readonly number[]): Float32Array {
  return vectors[0]!.map((_, at) => {
    let sum = 0;
    for (let i = 0; i < vectors.length; i++) sum += weights[i]! * vectors[i]![at]!;
    return sum;
  });
}

/**
 * Σ wᵢ·xᵢ over those whose sign was elected, divided by how many these are. The signs are elected before the weights
 * count; a tie elects plus.
 */
export function disjointMean(
  vectors: readonly Float32Array[],
  weights: readonly number[],
  election: SignElection,
): Float32Array {
  return vectors[0]!.map((_, at) => {
    let votes = 0;
    for (const vector of vectors) votes += election === 'total' ? vector[at]! : Math.sign(vector[at]!);
    const elected = votes >= 0 ? 1 : -1;
    let [sum, agreeing] = [0, 0];
    for (let i = 0; i < vectors.length; i++) {
      const value = vectors[i]![at]!;
      if (Math.sign(value) !== elected) continue;
      sum += weights[i]! * value;
      agreeing++;
    }
    return sum / Math.max(1, agreeing);
  });
}
