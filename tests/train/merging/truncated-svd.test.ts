import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { largestTriplets, type LinearMap, type Triplet } from '../../../src/train/merging/truncated-svd.ts';

const mapOf = (matrix: readonly (readonly number[])[]): LinearMap => ({
  rows: matrix.length,
  columns: matrix[0]!.length,
  times: (x) => Float64Array.from(matrix, (row) => row.reduce((sum, v, i) => sum + v * x[i]!, 0)),
  transposed: (y) => Float64Array.from(matrix[0]!, (_, i) => matrix.reduce((sum, row, o) => sum + row[i]! * y[o]!, 0)),
});
const product = (triplets: readonly Triplet[], o: number, i: number) =>
  triplets.reduce((sum, { u, sigma, v }) => sum + u[o]! * sigma * v[i]!, 0);
const sigmas = (matrix: readonly (readonly number[])[], count: number) =>
  largestTriplets(mapOf(matrix), count).map(({ sigma }) => sigma);

describe('the largest singular triplets', () => {
  it('multiply to the matrix when all are taken', () => {
    const matrices = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })).chain(([rows, columns]) =>
      fc.array(fc.array(fc.integer({ min: -3, max: 3 }), { minLength: columns, maxLength: columns }), {
        minLength: rows,
        maxLength: rows,
      }),
    );
    fc.assert(
      fc.property(matrices, (matrix) => {
        const all = largestTriplets(mapOf(matrix), 9);
        expect(all).toHaveLength(Math.min(matrix.length, matrix[0]!.length));
        for (const [o, row] of matrix.entries())
          for (const [i, value] of row.entries()) expect(product(all, o, i)).toBeCloseTo(value, 7);
      }),
      { numRuns: 200 },
    );
  });

  it('has equal values as often as they occur', () => {
    const diagonal = [5, 5, 5, 2, 2, 1].map((v, i) => Array.from({ length: 6 }, (_, j) => (i === j ? v : 0)));
    for (const [i, sigma] of sigmas(diagonal, 4).entries()) expect(sigma).toBeCloseTo([5, 5, 5, 2][i]!, 8);
  });

  it('of a matrix of zeros are zero, with right vectors that are orthonormal', () => {
    const found = largestTriplets(mapOf(Array.from({ length: 6 }, () => [0, 0, 0, 0])), 3);
    expect(found.map(({ sigma }) => sigma)).toEqual([0, 0, 0]);
    for (const [i, { v }] of found.entries())
      for (const [j, { v: w }] of found.entries())
        expect(v.reduce((sum, x, k) => sum + x * w[k]!, 0)).toBeCloseTo(i === j ? 1 : 0, 10);
  });

  it('is found in a larger matrix without exhausting it', () => {
    // Orthogonal by construction: a sine transform scaled to known values.
    const n = 60;
    const wave = (k: number, i: number) => Math.sqrt(2 / (n + 1)) * Math.sin((Math.PI * (k + 1) * (i + 1)) / (n + 1));
    const value = (k: number) => 10 * 0.7 ** k;
    const matrix = Array.from({ length: n }, (_, o) =>
      Array.from({ length: n }, (_, i) =>
        Array.from({ length: n }, (_, k) => value(k) * wave(k, o) * wave((k * 7) % n, i)).reduce((a, b) => a + b, 0),
      ),
    );
    let products = 0;
    const map = mapOf(matrix);
    const counted = { ...map, times: (x: Float64Array) => (products++, map.times(x)) };
    const found = largestTriplets(counted, 4);
    expect(products).toBeLessThan(n);
    for (const [k, { sigma }] of found.entries()) expect(sigma).toBeCloseTo(value(k), 7);
  });
});
