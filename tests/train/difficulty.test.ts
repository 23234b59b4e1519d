import { expect, test } from 'vitest';
import { curate, judge } from '../../src/train/difficulty.ts';

const bounds = { minSuccess: 0, maxSuccess: 1 };

test('what is sometimes solved is kept; always and never teach nothing', () => {
  const attempts = [0, 1, 4, 8].map((successes, i) => ({ rowId: `r${i}`, samples: 8, successes }));
  const curation = curate(attempts, bounds);
  expect(curation.kept).toEqual(['r1', 'r2']);
  expect(curation.counts).toEqual({ kept: 2, 'too-easy': 1, 'too-hard': 1 });
  expect(curation.prompts.map((p) => p.verdict)).toEqual(['too-hard', 'kept', 'kept', 'too-easy']);
  expect(curation.meanSuccessRate).toBeCloseTo(13 / 32, 12);
});

test('both bounds are exclusive', () => {
  expect([0.2, 0.21, 0.79, 0.8].map((r) => judge(r, { minSuccess: 0.2, maxSuccess: 0.8 }))).toEqual([
    'too-hard',
    'kept',
    'kept',
    'too-easy',
  ]);
});

test('nothing tried is nothing kept', () => {
  expect(curate([], bounds)).toMatchObject({ kept: [], meanSuccessRate: 0 });
});

test.each([
  { minSuccess: 1, maxSuccess: 1 },
  { minSuccess: -0.1, maxSuccess: 1 },
  { minSuccess: 0, maxSuccess: 1.1 },
  { minSuccess: NaN, maxSuccess: 1 },
])('bounds %j are refused', (bad) => {
  expect(() => curate([], bad)).toThrow(expect.objectContaining({ code: 'difficulty-bounds' }));
});

test('impossible counts are refused', () => {
  expect(() => curate([{ rowId: 'a', samples: 0, successes: 0 }], bounds)).toThrow('Row a');
  expect(() => curate([{ rowId: 'a', samples: 2, successes: 3 }], bounds)).toThrow('Row a');
});
