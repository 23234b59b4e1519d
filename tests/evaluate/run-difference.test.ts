/** One run against another: paired where the rows are the same, else two independent shares. */
import { describe, expect, it } from 'vitest';
import { newcombeInterval, pairedRunDifference, unpairedDifference } from '../../src/evaluate/run-difference.ts';

describe('a difference of independent shares', () => {
  it('has the interval that Newcombe prints for 56 of 70 against 48 of 80', () => {
    const [low, high] = newcombeInterval({ hits: 48, n: 80 }, { hits: 56, n: 70 });
    expect(low).toBeCloseTo(0.0524, 4);
    expect(high).toBeCloseTo(0.3339, 4);
  });

  it('has the interval that Newcombe prints for 10 of 10 against 0 of 10', () => {
    const [low, high] = newcombeInterval({ hits: 0, n: 10 }, { hits: 10, n: 10 });
    expect(low).toBeCloseTo(0.6075, 4);
    expect(high).toBe(1);
  });

  it('turns its sign when the runs change places', () => {
    const [a, b] = [
      { hits: 3, n: 20 },
      { hits: 9, n: 31 },
    ];
    const [there, back] = [unpairedDifference(a, b), unpairedDifference(b, a)];
    expect(there.difference).toBeCloseTo(-back.difference, 12);
    expect(there.interval[0]).toBeCloseTo(-back.interval[1], 12);
    expect(there).toMatchObject({ paired: false, n: [20, 31], p: null, gained: null });
  });
});

describe('a difference on the same rows', () => {
  it('counts rows gained and lost, and is surer than the two shares alone', () => {
    // Forty rows that both get right, forty that neither does, nine that only the later one does.
    const rows = [
      ...Array.from({ length: 40 }, () => [0.9, 0.8] as const),
      ...Array.from({ length: 40 }, () => [0.1, 0.2] as const),
      ...Array.from({ length: 9 }, () => [0.4, 0.6] as const),
      [0.5, 0.49] as const,
    ];
    const paired = pairedRunDifference(rows);
    expect(paired).toMatchObject({ paired: true, n: [90, 90], gained: 9, lost: 1 });
    expect(paired.difference).toBeCloseTo(8 / 90, 12);
    // Two-sided binomial: 2 · (1 + 10) / 2^10.
    expect(paired.p).toBeCloseTo(22 / 1024, 12);
    expect(paired.interval[0]).toBeGreaterThan(0);
    expect(newcombeInterval({ hits: 41, n: 90 }, { hits: 49, n: 90 })[0]).toBeLessThan(0);
  });
});
