/** A part of a plan that is repeated: each round learns on, draws anew, and an interrupted one goes on where it was. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Recipe } from '../../src/engine/protocol/index.ts';
import type { RunRecord } from '../../src/engine/protocol/records.ts';
import { registerDecoder } from '../../src/image/decode.ts';
import { nodeDecode } from '../../src/image/node-decode.ts';
import { memoryFiles } from '../../src/store/memory-files.ts';
import { storageInFiles } from '../../src/store/storage.ts';
import {
  backStage,
  evaluateStage,
  lora,
  mergeStage,
  optimizer,
  repeatStage,
  sampling,
  sftStage,
  synthesiseStage,
} from '../../src/train/stages/index.ts';
import { isUnit } from '../../tools/torture/timeless.ts';
import { Attempt } from './interrupted.ts';

registerDecoder(nodeDecode);

/** Thoughts, from the base again, SFT, merge, evaluation: twice. */
const ROUNDS: Recipe = {
  name: 'rounds',
  seed: 7,
  stages: [
    synthesiseStage({
      limit: 2,
      numGenerations: 2,
      sampling: sampling(8),
      batchSize: 2,
      rationalise: false,
      anew: true,
    }),
    backStage({ merges: 0 }),
    sftStage({ lora: lora(4, 8), optimizer: optimizer(2e-3), maxSteps: 2, perDeviceTrainBatchSize: 1, maxLength: 0 }),
    mergeStage(),
    evaluateStage({ name: 'after', limit: 1, maxCompletionLength: 4, batchSize: 1 }),
    repeatStage({ numStages: 5, numRounds: 2 }),
  ],
};

let reference: Attempt;
let whole: Awaited<ReturnType<Attempt['outcome']>>;
let units = 0;
const storage = storageInFiles(memoryFiles(() => Infinity));

beforeAll(async () => {
  reference = new Attempt(storage);
  await reference.open();
  await reference.start(ROUNDS);
  await reference.session.running;
  whole = await reference.outcome();
  units = reference.events.filter(isUnit).length;
});
afterAll(() => reference.session.destroy());

test('every stage of the part is run once a round, and the second round is another draw', () => {
  const stages = reference.events.flatMap((event) =>
    event.type === 'stage' && event.status === 'finished' ? [[event.index, event.round]] : [],
  );
  expect(stages).toEqual([0, 1].flatMap((round) => [0, 1, 2, 3, 4, 5].map((index) => [index, round])));
  const names = reference.events.flatMap((event) => (event.type === 'evaluation' ? [event.name] : []));
  expect(names).toEqual(['after, round 1', 'after, round 2']);
  const losses = reference.events.flatMap((event) =>
    event.type === 'metrics' && 'loss' in event.values ? [event.values['loss']] : [],
  );
  expect(losses).toHaveLength(4);
  expect(losses.slice(2)).not.toEqual(losses.slice(0, 2));
  // Each round went back, so one merge is left.
  expect(reference.session.bench!.policy.mergedAdapters).toHaveLength(1);
});

describe('a run that broke', () => {
  test('at any unit of any round goes on to the same end, to the bit', async () => {
    expect(units).toBeGreaterThanOrEqual(8);
    for (let k = 1; k <= units; k++) {
      reference.events.length = 0;
      let seen = 0;
      reference.onEvent = (event) => {
        if (isUnit(event) && ++seen === k) throw new Error('something broke');
      };
      const id = await reference.start(ROUNDS, 1);
      await reference.session.running;
      expect(reference.session.state, `unit ${k}`).toBe('failed');
      reference.onEvent = () => undefined;
      await reference.continue(id);
      await reference.session.running;
      expect(await reference.outcome(), `unit ${k}`).toEqual(whole);
      expect((await storage.records.get<RunRecord>('runs', id))!.state).toBe('finished');
    }
  });
});
