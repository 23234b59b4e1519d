import { describe, expect, it } from 'vitest';
import type { Recipe, Stage } from '../../src/engine/protocol/index.ts';
import { differences } from '../../src/studio/recipe/compare.ts';
import { fieldsOf } from '../../src/studio/recipe/fields.ts';
import { describeStage, KIND_NAMES } from '../../src/studio/recipe/kinds/index.ts';
import {
  advise,
  getAt,
  grpoStage,
  KINDS,
  mergeStage,
  newStage,
  PRESETS,
  REWARDS,
  setAt,
  sftStage,
} from '../../src/engine/presets.ts';
import { readNumber } from '../../src/studio/rooms/recipe/number-input.tsx';
import { runs } from '../../src/studio/rooms/recipe/preview-view.tsx';
import { readList } from '../../src/studio/rooms/recipe/stage-editor.tsx';
import type { Problem } from '../../src/studio/problem.ts';
import { createRecipeEditor } from '../../src/studio/state/recipe.ts';

const presets = Object.values(PRESETS);

describe('the settings of a stage', () => {
  it.each(KINDS)('%s: every setting is reachable, and every field is a setting', (kind) => {
    const stage = newStage(kind);
    const leaves = (value: object, path = ''): string[] =>
      Object.entries(value).flatMap(([key, inner]) =>
        typeof inner === 'object' && inner !== null && !Array.isArray(inner)
          ? leaves(inner as object, `${path}${key}.`)
          : [`${path}${key}`],
      );
    const settings = leaves(stage).filter((path) => path !== 'kind' && path !== 'name');
    const fields = fieldsOf(kind).flatMap((group) => group.fields.map((field) => field.path));
    expect(fields.toSorted()).toEqual(settings.toSorted());
    for (const path of fields) expect(getAt(stage, path), path).toBeDefined();
  });

  it.each(KINDS)('%s: the defaults lie within the bounds', (kind) => {
    const numbers = fieldsOf(kind).flatMap(({ fields }) => fields.filter((field) => field.type === 'number'));
    const defaults = numbers.map(({ path }) => [path, getAt(newStage(kind), path)]);
    expect(numbers.map((field) => [field.path, readNumber(String(getAt(newStage(kind), field.path)), field)])).toEqual(
      defaults,
    );
  });

  it('are replaced in a copy', () => {
    const stage = sftStage();
    const changed = setAt(stage, 'lora.r', 4);
    expect([stage.lora.r, changed.lora.r, changed.optimizer]).toEqual([16, 4, stage.optimizer]);
  });
});

describe('numbers as typed', () => {
  const bounds = { min: 0, max: 1, integer: false };
  it('may be in exponents, or with a comma', () => {
    expect(readNumber('1e-5', bounds)).toBe(1e-5);
    expect(readNumber(' 0,5 ', bounds)).toBe(0.5);
  });
  it('are refused in words when they are not good', () => {
    expect(readNumber('', bounds)).toBe('Not a number');
    expect(readNumber('2', bounds)).toBe('From 0 to 1');
    expect(readNumber('0.5', { ...bounds, integer: true })).toBe('Enter a whole number');
  });
  it('target modules: a list, a word, or a regular expression', () => {
    expect(readList('q_proj, v_proj')).toEqual(['q_proj', 'v_proj']);
    expect(readList('all-linear')).toBe('all-linear');
    expect(readList('.*language.*(q|v)_proj')).toBe('.*language.*(q|v)_proj');
  });
});

describe('advice', () => {
  it.each(presets)('the preset $title has no fault', ({ recipe }) => {
    expect(advise(recipe).filter((a) => a.severity === 'error')).toEqual([]);
    for (const stage of recipe.stages) expect(describeStage(stage)).not.toMatch(/undefined|NaN/);
  });

  it('refuses what the engine refuses: a stage that trains on an open adapter, a merge of nothing', () => {
    const faults = (...stages: Stage[]) =>
      advise({ name: '', seed: 0, stages }).flatMap(({ stage, severity }) => (severity === 'error' ? [stage] : []));
    expect(faults(sftStage(), sftStage())).toEqual([1]);
    expect(faults(mergeStage(), sftStage())).toEqual([0]);
    expect(faults(sftStage(), mergeStage(), mergeStage())).toEqual([2]);
    expect(advise({ name: '', seed: 0, stages: [sftStage(), grpoStage()] }).map(({ stage }) => stage)).toEqual([1]);
    expect(advise({ name: '', seed: 0, stages: [sftStage(), mergeStage(), grpoStage()] })).toEqual([]);
  });

  it('refuses groups in which every advantage would be 0', () => {
    const stage = grpoStage();
    const faults = (change: object) =>
      advise({ name: '', seed: 0, stages: [{ ...stage, ...change }] }).filter((a) => a.severity === 'error').length;
    expect(faults({ sampling: { ...stage.sampling, temperature: 0 } })).toBe(1);
    expect(faults({ rewardWeights: { format: 0, iou: 0, imageIndex: 0 } })).toBe(1);
    expect(faults({ rewardWeights: { giou: 1 } })).toBe(0);
    expect(
      faults({ rewardWeights: { softOverlong: 1 }, rewardSettings: { softOverlong: { cacheTokens: 4096 } } }),
    ).toBe(1);
    expect(faults({})).toBe(0);
  });
});

describe('plans as files', () => {
  it('of an older version get what came since, and one that cannot be read is told of', () => {
    const opened = (text: string) => {
      const told: Problem[] = [];
      const editor = createRecipeEditor({ getItem: () => text, setItem: () => {} }, (problem) => told.push(problem));
      return { recipe: editor.getState().recipe, told };
    };
    const { entropyCoef: _, ...older } = grpoStage({ maxSteps: 3 });
    const plan = { name: 'p', seed: 1, stages: [older] };
    expect(opened(JSON.stringify(plan))).toEqual({
      recipe: { ...plan, stages: [grpoStage({ maxSteps: 3 })] },
      told: [],
    });
    const { recipe, told } = opened(JSON.stringify({ ...plan, stages: [{ ...older, maxSteps: 'many' }] }));
    expect(recipe).toEqual(PRESETS['demo-quick'].recipe);
    expect(told).toHaveLength(1);
    expect(told[0]!.what).toContain('stages[0].maxSteps is the text “many”');
  });

  it('survive a reload, and a storage that fails', () => {
    const kept = new Map<string, string>();
    const storage = {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
    };
    const editor = createRecipeEditor(storage);
    editor.getState().add('merge');
    expect(createRecipeEditor(storage).getState().recipe).toEqual(editor.getState().recipe);
    const full = createRecipeEditor({
      getItem: () => null,
      setItem: () => {
        throw new Error('full');
      },
    });
    expect(() => full.getState().rename('x')).not.toThrow();
  });

  it('stages move and stay within the plan', () => {
    const editor = createRecipeEditor(null);
    const names = () => editor.getState().recipe.stages.map(({ name }) => name);
    const before = names();
    editor.getState().move(0, -1);
    expect(names()).toEqual(before);
    editor.getState().move(0, 1);
    expect(names().slice(0, 2)).toEqual([before[1], before[0]]);
  });
});

describe('tokens by loss mask', () => {
  it('neighbours are joined, many repeats are counted, and nothing is lost', () => {
    const pad = { text: '<p>', inLoss: false };
    expect(
      runs([
        { text: 'a', inLoss: false },
        ...Array.from({ length: 9 }, () => pad),
        { text: 'b', inLoss: true },
        { text: 'c', inLoss: true },
      ]),
    ).toEqual([
      { text: 'a', inLoss: false, repeated: 1 },
      { text: '<p>', inLoss: false, repeated: 9 },
      { text: 'bc', inLoss: true, repeated: 1 },
    ]);
  });
});

describe('plans compared', () => {
  const plan = (...stages: Recipe['stages']): Recipe => ({ name: 'p', seed: 1, stages });
  const sft = sftStage({ maxSteps: 40 });

  it('tell only what differs, with its stage and its name in TRL or PEFT', () => {
    expect(differences([plan(sft), { ...plan({ ...sft }), name: 'another name' }])).toEqual([]);
    const other = {
      ...sft,
      gradientCheckpointing: !sft.gradientCheckpointing,
      lora: { ...sft.lora, r: sft.lora.r * 2 },
    };
    const found = differences([plan(sft), { ...plan(other), seed: 2 }, plan(sft)]);
    expect(found).toHaveLength(3);
    expect(found[0]).toEqual({ stage: '', setting: 'Seed', name: 'seed', values: ['1', '2', '1'] });
    expect(found).toContainEqual({
      stage: `1. ${sft.name}`,
      setting: 'Rank',
      name: 'r',
      values: [sft.lora.r, sft.lora.r * 2, sft.lora.r].map(String),
    });
    expect(found.find(({ name }) => name === 'gradient_checkpointing')?.values.toSorted()).toHaveLength(3);
  });

  it('tell nothing of settings that an older plan does not have, which ran as if they had their defaults', () => {
    const { rewardSettings: _, ...rest } = grpoStage();
    const old = { ...rest, rewardWeights: { format: 1, iou: 1, imageIndex: 0 } };
    expect(differences([plan(grpoStage()), plan(old)])).toEqual([]);
    expect(differences([plan(grpoStage({ rewardWeights: { giou: 1 } })), plan(old)])).toMatchObject([
      { setting: REWARDS.giou.label, values: ['1', '0'] },
    ]);
  });

  it('tell of stages that one has and another has not, and nothing of their settings', () => {
    const found = differences([plan(sft, mergeStage()), plan(sft)]);
    expect(found).toEqual([{ stage: '2.', setting: 'Kind of stage', name: '', values: [KIND_NAMES.merge, null] }]);
    expect(differences([plan(sft), plan(mergeStage())])).toMatchObject([{ setting: 'Kind of stage' }]);
  });
});
