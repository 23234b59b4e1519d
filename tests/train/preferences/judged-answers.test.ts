import { describe, expect, it } from 'vitest';
import { keepAnswers, pairsOf, singlesOf, within } from '../../../src/train/preferences/judged-answers.ts';
import { advise, checkRecipe } from '../../../src/train/recipe-check.ts';
import { dpoStage, ktoStage, rejectionStage, type Stage } from '../../../src/train/stages/index.ts';

const tried = (tokens: readonly number[], right: boolean, truncated = false) => ({
  tokens: Uint32Array.from(tokens),
  right,
  truncated,
});

describe('answers that rejection sampling hands on', () => {
  it('are the first of each side, none twice', () => {
    const all = [tried([1], true), tried([1], true), tried([2], false), tried([3], true), tried([4], true)];
    expect(keepAnswers('r', all, 2)).toEqual({ rowId: 'r', right: [[1], [3]], wrong: [[2]] });
  });

  it('are not right where they were cut off, and may be wrong there', () => {
    expect(keepAnswers('r', [tried([1], true, true), tried([2], false, true)], 9)).toEqual({
      rowId: 'r',
      right: [],
      wrong: [[2]],
    });
  });

  const judged = [
    { rowId: 'a', right: [[1], [2]], wrong: [[3]] },
    { rowId: 'b', right: [], wrong: [[4, 5, 6]] },
  ];

  it('make as many pairs of a prompt as both sides have', () => {
    expect(pairsOf(judged).map(({ rowId, answers }) => [rowId, ...answers.map((a) => [...a])])).toEqual([
      ['a', [1], [3]],
    ]);
  });

  it('are each an item of their own where pairs are not needed', () => {
    expect(singlesOf(judged).map(({ rowId, desirable }) => [rowId, desirable])).toEqual([
      ['a', true],
      ['a', true],
      ['a', false],
      ['b', false],
    ]);
  });

  it('are left out where one of them is too long', () => {
    expect(within(singlesOf(judged), 2)).toHaveLength(3);
  });
});

describe('a plan that learns from preferences', () => {
  const plan = (...stages: readonly Stage[]) => ({ name: 'p', seed: 1, stages });
  const missing = 'No stage before it hands on answers that were judged.';

  it.each([dpoStage(), ktoStage()])('needs a stage before $kind that hands on answers', (stage) => {
    for (const before of [[], [rejectionStage()]])
      expect(advise(plan(...before, stage)).map(({ text }) => text)).toContain(missing);
    expect(advise(plan(rejectionStage({ answersKept: 2 }), stage)).map(({ text }) => text)).not.toContain(missing);
    expect(() => checkRecipe(plan(rejectionStage(), stage))).toThrowError(
      expect.objectContaining({ code: 'recipe-invalid' }),
    );
  });

  it('is told where it can learn nothing, or measures nothing', () => {
    const errors = (stage: Stage) =>
      advise(plan(rejectionStage({ answersKept: 2 }), stage))
        .filter(({ severity }) => severity === 'error')
        .map(({ text }) => text);
    const { lossWeights } = dpoStage();
    expect(errors(dpoStage({ lossWeights: { ...lossWeights, sigmoid: 0 } }))).toEqual(['Every loss has the weight 0.']);
    expect(errors(ktoStage({ perDeviceTrainBatchSize: 1 }))).toEqual(['KTO needs 2 answers at once.']);
    expect(errors(ktoStage({ perDeviceTrainBatchSize: 1, lossType: 'apo_zero_unpaired' }))).toEqual([]);
    expect(errors(ktoStage({ desirableWeight: 0, undesirableWeight: 0 }))).toHaveLength(1);
  });
});
