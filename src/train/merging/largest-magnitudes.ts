/**
 * The k largest magnitudes of a vector that is never in memory whole: it is seen three times, some values at a time.
 * The first pass counts magnitudes by the upper half of their bits (for floats that is their order), the second those at
 * the border by the lower half, and the third prunes. Exact, in memory for two tables of 65,536 counts.
 */
import { invariant } from '../../base/error.ts';

const HALF = 1 << 16;

export class LargestMagnitudes {
  readonly #k: number;
  #counts = new Float64Array(HALF);
  /** Upper half of the border's bits; null in the first pass. */
  #upper: number | null = null;
  /** How many are larger than all of that upper half. */
  #above = 0;
  /** Bits of the smallest magnitude that stays, and how many of just that size do. */
  #border: { readonly bits: number; left: number } | null = null;

  /** @param k how many stay; 0: none */
  constructor(k: number) {
    this.#k = k;
  }

  /** Call with every value, in both of the first passes. */
  count(values: Float32Array): void {
    for (const bits of magnitudes(values)) {
      const upper = bits >>> 16;
      if (this.#upper === null) this.#counts[upper]!++;
      else if (upper === this.#upper) this.#counts[bits & 0xffff]!++;
      else if (upper > this.#upper) this.#above++;
    }
  }

  /** Call between the first and the second pass. */
  refine(): void {
    let seen = 0;
    let upper = HALF - 1;
    while (upper > 0 && seen + this.#counts[upper]! < this.#k) seen += this.#counts[upper--]!;
    this.#upper = upper;
    this.#counts = new Float64Array(HALF);
    this.#above = 0;
  }

  /** The third pass: sets to 0, in place, what is not among the largest. */
  prune(values: Float32Array): void {
    if (this.#k === 0) return void values.fill(0);
    const border = (this.#border ??= this.#findBorder());
    const bits = magnitudes(values);
    for (let i = 0; i < values.length; i++) {
      if (bits[i]! > border.bits) continue;
      if (bits[i]! === border.bits && border.left > 0) border.left--;
      else values[i] = 0;
    }
  }

  #findBorder(): { readonly bits: number; left: number } {
    invariant(this.#upper !== null, 'magnitudes pruned before they were counted');
    let seen = this.#above;
    let lower = HALF - 1;
    while (lower > 0 && seen + this.#counts[lower]! < this.#k) seen += this.#counts[lower--]!;
    return { bits: ((this.#upper << 16) | lower) >>> 0, left: this.#k - seen };
  }
}

/** Bits of each value without its sign: as whole numbers they are in the order of the magnitudes. */
function magnitudes(values: Float32Array): Uint32Array {
  const bits = new Uint32Array(values.slice().buffer);
  for (let i = 0; i < bits.length; i++) bits[i]! &= 0x7fffffff;
  return bits;
}
