/** Work of more invocations than one dimension of workgroups holds. */
import { describe, expect, test } from 'vitest';
import { addInto } from '../../src/ops/add.ts';
import { FLAT, flatGroups, rowGroups } from '../../src/ops/groups.ts';
import { constant, run, useSession } from './harness.ts';

const LIMIT = 65_535;

describe('workgroups past the limit of a dimension', () => {
  test.each([1, 64, 65, LIMIT * FLAT, LIMIT * FLAT + 1, 5e6, 12_345_678, 4e9])('cover %i invocations', (n) => {
    const [x, y = 1] = flatGroups(n);
    expect(Math.max(x, y)).toBeLessThanOrEqual(LIMIT);
    expect(x * y * FLAT).toBeGreaterThanOrEqual(n);
    // No row for nothing, and rows short enough to cut between: a mebibyte of each tensor of vec4.
    expect((x * y - y) * FLAT).toBeLessThan(n);
    if (y > 1) expect(x).toBeLessThanOrEqual(1024);
  });

  test.each([1, LIMIT, LIMIT + 1, 1e6])('cover %i rows', (rows) => {
    const [x, y = 1] = rowGroups(rows);
    expect(Math.max(x, y)).toBeLessThanOrEqual(LIMIT);
    expect(x * y).toBeGreaterThanOrEqual(rows);
  });

  const session = useSession();

  test('reach every number once', async () => {
    const n = LIMIT * FLAT + 5;
    const numbers = Float32Array.from({ length: n }, (_, i) => i);
    const [sum] = await run(session(), (rec) => {
      const [x, y] = [constant(rec, 'x', [n], numbers), constant(rec, 'y', [n], numbers)];
      addInto(rec, y, x);
      return [y];
    });
    expect(sum!.every((v, i) => v === 2 * i)).toBe(true);
  });
});
