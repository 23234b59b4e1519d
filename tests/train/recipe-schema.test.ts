import { describe, expect, test } from 'vitest';
import { PRESETS } from '../../src/train/presets.ts';
import { advise, checkRecipe } from '../../src/train/recipe-check.ts';
import { parseRecipe, readRecipe, requireRecipe, sayFault, type Missing } from '../../src/train/recipe-schema.ts';
import { evaluateStage, grpoStage, KINDS, mergeStage, newStage, sftStage } from '../../src/train/stages/index.ts';
import { setAt } from '../../src/train/stages/schema.ts';

const plan = (...stages: unknown[]) => ({ name: 'p', seed: 1, stages });

const kinds = new Intl.ListFormat('en-GB', { type: 'disjunction' }).format(KINDS);

/** What is said against a plan. */
function said(value: unknown, missing: Missing = 'refused'): readonly string[] {
  const read = readRecipe(value, missing);
  return 'faults' in read ? read.faults.map(sayFault) : [];
}

describe('a plan', () => {
  test.each(Object.values(PRESETS).map(({ recipe }) => [recipe.name, recipe] as const))(
    'as the preset %s comes back as it went',
    (_, recipe) => {
      expect(readRecipe(JSON.parse(JSON.stringify(recipe)), 'refused')).toEqual({ recipe });
    },
  );

  test('with a picture budget comes back as it went; one that sets nothing is none, as in plans of before', () => {
    const limited = { ...plan(sftStage()), pictures: { maxPixels: 50_176, imageSplitting: false } };
    expect(readRecipe(limited, 'refused')).toEqual({ recipe: limited });
    expect(readRecipe({ ...limited, pictures: {} }, 'refused')).toEqual({ recipe: plan(sftStage()) });
    expect('pictures' in (requireRecipe(plan(sftStage()), 'A plan', 'refused') as object)).toBe(false);
    const crossed = { ...plan(sftStage()), pictures: { minPixels: 9000, maxPixels: 8000 } };
    expect(advise(requireRecipe(crossed, 'A plan', 'refused')).map(({ text }) => text)).toContain(
      'The picture budget asks for at least 9000 and at most 8000 pixels.',
    );
    expect(() => checkRecipe(requireRecipe(crossed, 'A plan', 'refused'))).toThrow(/at least 9000/);
  });

  test.each(KINDS)('of a new stage of kind %s has nothing wrong with it', (kind) => {
    expect(said(plan(newStage(kind)))).toEqual([]);
  });

  const wrong: readonly (readonly [value: unknown, sentence: string])[] = [
    [{}, 'stages is nothing; allowed is a list of stages.'],
    [null, 'The recipe is null; allowed is an object with a list of stages.'],
    [[], 'The recipe is an empty list; allowed is an object with a list of stages.'],
    [{ stages: 3 }, 'stages is 3; allowed is a list of stages.'],
    [{ ...plan(), sed: 1 }, 'sed is 1; allowed is only name, seed, prompt, draw, pictures and stages.'],
    [{ ...plan(), pictures: 5 }, 'pictures is 5; allowed is an object with its settings.'],
    [
      { ...plan(), pictures: { maxPixels: 0.5 } },
      'pictures.maxPixels is 0.5; allowed is a whole number from 1 to 67108864.',
    ],
    [
      { ...plan(), pictures: { pixels: 5 } },
      'pictures.pixels is 5; allowed is nothing of that name in a picture budget.',
    ],
    [{ ...plan(), seed: '4' }, 'seed is the text “4”; allowed is a whole number from 0.'],
    [{ ...plan(), seed: -1 }, 'seed is -1; allowed is a whole number from 0.'],
    [{ ...plan(), name: 4 }, 'name is 4; allowed is a text.'],
    [plan(...new Array(5000).fill(mergeStage())), 'stages is a list of 5000; allowed is at most 200 stages.'],
    [plan(null), 'stages[0] is null; allowed is a stage: an object with its kind.'],
    [plan({ kind: 'dance' }), `stages[0].kind is the text “dance”; allowed is ${kinds}.`],
    [plan(mergeStage(), { maxSteps: 3 }), `stages[1].kind is nothing; allowed is ${kinds}.`],
    [
      plan({ ...evaluateStage(), rows: 3 }),
      'stages[0].rows is 3; allowed is nothing of that name in a stage of kind evaluate.',
    ],
  ];
  test.each(wrong.map(([value, sentence]) => [JSON.stringify(value).slice(0, 120), value, sentence] as const))(
    '%s is refused with its place, what was found and what is allowed',
    (_, value, sentence) => expect(said(value)).toEqual([sentence]),
  );

  test.each([
    ['lora.r', '4', 'the text “4”; allowed is a whole number from 1 to 512.'],
    ['lora.r', 0, '0; allowed is a whole number from 1 to 512.'],
    ['lora.r', 4.5, '4.5; allowed is a whole number from 1 to 512.'],
    ['lora.useRslora', 'yes', 'the text “yes”; allowed is true or false.'],
    ['lora.targetModules', [1], 'a list; allowed is a list of module names, or one text.'],
    ['lora.rank', 4, '4; allowed is nothing of that name in a stage of kind grpo.'],
    ['optimizer', 'adam', 'the text “adam”; allowed is an object with its settings.'],
    [
      'optimizer.lrSchedulerType',
      'square',
      'the text “square”; allowed is linear, cosine, constant or constant_with_warmup.',
    ],
    ['rewardWeights.iou', 'x', 'the text “x”; allowed is a number from 0 to 100.'],
    ['rewardWeights.beauty', 1, '1; allowed is nothing of that name in a stage of kind grpo.'],
    ['numGenerations', 1, '1; allowed is a whole number from 2 to 256.'],
    ['beta', null, 'null; allowed is a number from 0 to 10.'],
  ])('with %s at %j is refused', (path, value, sentence) => {
    expect(said(plan(setAt(grpoStage(), path, value)))).toEqual([`stages[0].${path} is ${sentence}`]);
  });

  test('with an unknown loss is told the losses there are', () => {
    const [sentence, ...more] = said(plan({ ...grpoStage(), lossType: 'foo' }));
    expect(sentence).toMatch(/^stages\[0\]\.lossType is the text “foo”; allowed is .*dapo/);
    expect(more).toEqual([]);
  });

  test('that Groundwork stored before a setting was there gets its default; half a stage in a file is refused', () => {
    const { maxLength, sampling, ...grpo } = { maxLength: 0, ...grpoStage() };
    const { seed, ...rest } = plan({ ...sftStage(), maxLength: undefined }, grpo);
    expect([maxLength, seed]).toEqual([0, 1]);
    expect(readRecipe(rest, 'default')).toEqual({
      recipe: { name: 'p', seed: 42, stages: [sftStage(), { ...grpo, sampling }] },
    });
    expect(said(rest)).toEqual([
      'stages[0].maxLength is nothing; allowed is a whole number from 0 to 131072.',
      'stages[1].sampling is nothing; allowed is an object with its settings.',
    ]);
    // What came after plans were first saved as files.
    const { entropyCoef, rewardSettings, ...older } = grpoStage();
    expect(readRecipe(plan(older), 'refused')).toEqual({
      recipe: plan({ ...older, entropyCoef, rewardSettings }),
    });
  });

  test('that lacks a reward gives it no weight, whatever a new stage gives it; what else is optional has its default', () => {
    const { maxResamples, ...stage } = { ...grpoStage(), rewardWeights: { iou: 2 } };
    for (const missing of ['default', 'refused'] as const) {
      const read = readRecipe(plan(stage), missing);
      const [first] = 'recipe' in read ? read.recipe.stages : [];
      expect(first).toMatchObject({ ...stage, maxResamples, rewardWeights: { iou: 2, format: 0, giou: 0 } });
    }
  });

  test('that cannot be read is an error that says where it is from, and no more than it can hold', () => {
    expect(() => parseRecipe('{"stages": [', 'plan.json', 'refused')).toThrow('plan.json is not JSON');
    expect(() => requireRecipe(plan({ kind: 'sft' }), 'plan.json', 'refused')).toThrow(
      /^plan\.json is not a recipe that can be run\. stages\[0\]\.lora is nothing; .* And \d more\.$/,
    );
  });
});
