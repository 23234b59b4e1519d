import { expect, test } from 'vitest';
import { advise, checkRecipe, mergesBefore } from '../../src/train/recipe-check.ts';
import { visitsOf } from '../../src/train/rounds.ts';
import { readRecipe } from '../../src/train/recipe-schema.ts';
import { backStage, evaluateStage, mergeStage, sftStage, type Stage } from '../../src/train/stages/index.ts';

const plan = (...stages: Stage[]) => ({ name: 'plan', seed: 1, stages });
const errors = (...stages: Stage[]) => advise(plan(...stages)).filter(({ severity }) => severity === 'error');

test('a plan can try two ways from the same merge', () => {
  const stages = [sftStage(), mergeStage(), sftStage(), backStage({ merges: 1 }), sftStage(), mergeStage()];
  expect(errors(...stages)).toEqual([]);
  expect([0, 2, 3, 4, 6].map((at) => mergesBefore(visitsOf(stages), at))).toEqual([0, 1, 1, 1, 2]);
});

test('going back may leave merges behind, and then there are fewer to go back to', () => {
  const stages = [sftStage(), mergeStage(), sftStage(), mergeStage(), backStage(), backStage({ merges: 1 })];
  expect(mergesBefore(visitsOf(stages), 5)).toBe(0);
  expect(errors(...stages)).toMatchObject([{ stage: 5, text: expect.stringContaining('merges') }]);
  expect(() => checkRecipe(plan(...stages))).toThrow('So many merges have not been made');
});

test('an adapter that is not merged is let go of, so the next one may learn', () => {
  expect(errors(sftStage(), backStage(), sftStage())).toEqual([]);
  expect(errors(sftStage(), sftStage())).toHaveLength(1);
});

test('a sentence added to the question is a text of bounded length; plans older than it ask as written', () => {
  const read = (stage: object) => readRecipe({ stages: [stage] }, 'refused');
  const { instruction: _, ...older } = evaluateStage();
  expect(read(older)).toMatchObject({ recipe: { stages: [{ instruction: '' }] } });
  expect(read(evaluateStage({ instruction: 'Think first.' }))).toMatchObject({
    recipe: { stages: [{ instruction: 'Think first.' }] },
  });
  expect(read({ ...older, instruction: 7 })).toMatchObject({ faults: [{ path: 'stages[0].instruction' }] });
  expect(read({ ...older, instruction: 'x'.repeat(3000) })).toMatchObject({
    faults: [{ allowed: 'a text of at most 2000 characters' }],
  });
});
