/** Parts of a plan that are repeated: in which order their stages are visited, and which cannot be. */
import { describe, expect, test } from 'vitest';
import { advise, checkRecipe, mergesBefore } from '../../src/train/recipe-check.ts';
import { readRecipe, sayFault } from '../../src/train/recipe-schema.ts';
import { placeOf, seedOf, visitAt, visitName, visitsOf } from '../../src/train/rounds.ts';
import {
  backStage,
  evaluateStage,
  mergeStage,
  rejectionStage,
  repeatStage,
  sftStage,
  type Stage,
} from '../../src/train/stages/index.ts';

const plan = (...stages: Stage[]) => ({ name: 'plan', seed: 1, stages });
const errors = (...stages: Stage[]) =>
  advise(plan(...stages)).flatMap(({ stage, severity, text }) => (severity === 'error' ? [`${stage}: ${text}`] : []));
const order = (...stages: Stage[]) => visitsOf(stages).map(({ index, round }) => `${index}/${round}`);

describe('the order of visits', () => {
  test('is the plan’s own without a repetition', () => {
    expect(order(evaluateStage(), sftStage(), evaluateStage())).toEqual(['0/0', '1/0', '2/0']);
  });

  test('has the stages of a part once a round, and the others once', () => {
    const stages = [
      evaluateStage(),
      sftStage(),
      mergeStage(),
      repeatStage({ numStages: 2, numRounds: 3 }),
      evaluateStage(),
    ];
    const part = (round: number) => [`1/${round}`, `2/${round}`, `3/${round}`];
    expect(order(...stages)).toEqual(['0/0', ...part(0), ...part(1), ...part(2), '4/0']);
  });

  test('of one round is that of no repetition, and two parts follow each other', () => {
    expect(order(evaluateStage(), repeatStage({ numRounds: 1 }))).toEqual(['0/0', '1/0']);
    const two = [evaluateStage(), repeatStage(), evaluateStage(), repeatStage()];
    expect(order(...two)).toEqual(['0/0', '1/0', '0/1', '1/1', '2/0', '3/0', '2/1', '3/1']);
  });
});

test('a place names stage and round, and is found again; one of a plan without rounds says none', () => {
  const stages = [sftStage(), mergeStage(), repeatStage({ numStages: 2, numRounds: 3 }), evaluateStage()];
  const visits = visitsOf(stages);
  for (const at of visits.keys()) expect(visitAt(visits, placeOf(visits, at, stages.length))).toBe(at);
  expect(placeOf(visits, 4, stages.length)).toEqual({ stage: 1, round: 1 });
  expect(placeOf(visits, 1, stages.length)).toEqual({ stage: 1 });
  const end = placeOf(visits, visits.length, stages.length);
  expect(end).toEqual({ stage: 4 });
  expect(visitAt(visits, end)).toBe(visits.length);
  expect(visitName(visits[4]!)).toBe('Merge, round 2');
  expect(visitName(visits.at(-1)!)).toBe('Evaluation');
});

test('the first round draws as a plan without rounds, each other one anew', () => {
  expect(seedOf(42, 0)).toBe(42);
  expect(new Set([0, 1, 2, 3].map((round) => seedOf(42, round))).size).toBe(4);
});

describe('a repetition', () => {
  test('counts merges round by round, and goes back to them', () => {
    const stages = [sftStage(), mergeStage(), repeatStage({ numStages: 2, numRounds: 3 })];
    expect(errors(...stages)).toEqual([]);
    expect(mergesBefore(visitsOf(stages), visitsOf(stages).length)).toBe(3);
    const again = [backStage(), sftStage(), mergeStage(), repeatStage({ numStages: 3, numRounds: 3 })];
    expect(errors(...again)).toEqual([]);
    expect(mergesBefore(visitsOf(again), visitsOf(again).length)).toBe(1);
  });

  test('whose second round would learn on an adapter that is not merged is refused at that stage', () => {
    const stages = [sftStage({ name: 'Learn' }), repeatStage()];
    expect(errors(...stages)).toEqual([expect.stringMatching(/^0: In the second round: .*not merged/)]);
    expect(() => checkRecipe(plan(...stages))).toThrow(/second round/);
  });

  test('of more stages than there are, or of another repetition, is refused', () => {
    expect(errors(evaluateStage(), repeatStage({ numStages: 3 }))).toEqual(['1: There are only 1 stages before it.']);
    const nested = [evaluateStage(), repeatStage(), rejectionStage(), repeatStage({ numStages: 3 })];
    expect(errors(...nested)).toEqual(['3: It would repeat another repetition.']);
    expect(() => checkRecipe(plan(...nested))).toThrow(/another repetition/);
  });

  test.each([
    [{ numRounds: 0 }, 'stages[1].numRounds is 0; allowed is a whole number from 1 to 100.'],
    [{ numStages: 'all' }, 'stages[1].numStages is the text “all”; allowed is a whole number from 1 to 199.'],
    [{ rounds: 2 }, 'stages[1].rounds is 2; allowed is nothing of that name in a stage of kind repeat.'],
  ])('%j is refused with its place, what was found and what is allowed', (part, sentence) => {
    const read = readRecipe({ stages: [evaluateStage(), { ...repeatStage(), ...part }] }, 'refused');
    expect('faults' in read && read.faults.map(sayFault)).toEqual([sentence]);
  });
});
