import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Batches, countSteps, RowSampler } from '../../src/train/plan-steps.ts';

const stage = { perDeviceTrainBatchSize: 4, gradientAccumulationSteps: 2, maxSteps: 0, numTrainEpochs: 3 };

test('steps are counted as transformers counts them', () => {
  expect(countSteps(17, stage)).toEqual({ stepsPerEpoch: 3, totalSteps: 9 }); // 5 micro-batches, 3 updates
  expect(countSteps(17, { ...stage, maxSteps: 5 })).toEqual({ stepsPerEpoch: 3, totalSteps: 5 });
  expect(countSteps(17, { ...stage, numTrainEpochs: 0.5 }).totalSteps).toBe(2);
  expect(countSteps(1, { ...stage, gradientAccumulationSteps: 8 }).stepsPerEpoch).toBe(1);
});

test('every pass gives every row once, in another order', () => {
  const sampler = new RowSampler(10, 7);
  const [first, second] = [sampler.next(10), sampler.next(10)];
  const sorted = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  expect(first.toSorted((a, b) => a - b)).toEqual(sorted);
  expect(second.toSorted((a, b) => a - b)).toEqual(sorted);
  expect(first).not.toEqual(second);
  expect(new RowSampler(10, 7).next(10)).toEqual(first);
  expect(new RowSampler(10, 8).next(10)).not.toEqual(first);
});

test('a run resumed anywhere, through JSON, continues with the same rows', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.nat(1000),
      fc.nat(50),
      fc.boolean(),
      (count, seed, before, whole) => {
        const sampler = new RowSampler(count, seed);
        if (whole) sampler.next(before);
        else for (let i = 0; i < before; i++) sampler.nextInEpoch(3);
        const resumed = new RowSampler(count, JSON.parse(JSON.stringify(sampler.state)) as typeof sampler.state);
        expect(resumed.next(45)).toEqual(sampler.next(45));
        expect(resumed.state).toEqual(sampler.state);
      },
    ),
  );
});

test('an optimizer step does not reach into the next pass; a GRPO step does', () => {
  const sampler = new RowSampler(5, 1);
  expect([sampler.nextInEpoch(3).length, sampler.nextInEpoch(3).length, sampler.nextInEpoch(3).length]).toEqual([
    3, 2, 3,
  ]);
  expect(sampler.state).toMatchObject({ epoch: 1, position: 3 });
  expect(new RowSampler(5, 1).next(12)).toHaveLength(12);
});

test('a batch that was looked at ahead comes in its turn, and a run resumed before it begins with it', () => {
  for (const draw of [(s: RowSampler) => s.nextInEpoch(3), (s: RowSampler) => s.next(4)]) {
    const plain = new RowSampler(7, 5);
    const batches = new Batches(new RowSampler(7, 5), draw);
    for (let i = 0; i < 9; i++) {
      const { state } = plain;
      if (i % 3) batches.peek();
      expect(batches.state).toEqual(state);
      const batch = batches.next();
      expect(batch).toEqual(draw(plain));
      expect(draw(new RowSampler(7, state))).toEqual(batch);
    }
  }
});

test('no rows and another dataset’s state are refused', () => {
  expect(() => new RowSampler(0, 1)).toThrow(expect.objectContaining({ code: 'no-rows' }));
  expect(() => new RowSampler(3, { epoch: 0, position: 4, random: [1, 2, 3, 4] })).toThrow(
    expect.objectContaining({ code: 'sampler-state' }),
  );
});
