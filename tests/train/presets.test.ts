import { expect, test } from 'vitest';
import { curate } from '../../src/train/difficulty.ts';
import { advise } from '../../src/train/recipe-check.ts';
import { visitsOf } from '../../src/train/rounds.ts';
import { PRESETS, presetRecipe, type PresetName } from '../../src/train/presets.ts';

const names = Object.keys(PRESETS) as PresetName[];

const complete = names.filter((name) => !name.endsWith('-only') && name !== 'demo' && name !== 'star');

test.each(complete)('%s runs the paper’s order, evaluating before and after', (name) => {
  const { recipe } = PRESETS[name];
  expect(recipe.stages.map((s) => s.kind)).toEqual([
    'evaluate',
    'sft',
    'evaluate',
    'merge',
    'rejection',
    'grpo',
    'evaluate',
  ]);
  expect(recipe.stages.filter((s) => s.kind === 'evaluate').map((s) => s.name)).toEqual(['base', 'sft', 'grpo']);
});

test('demo measures SFT beside the same time spent on SFT alone, and both from the same merge', () => {
  const { recipe } = PRESETS.demo;
  expect(advise(recipe).filter(({ severity }) => severity === 'error')).toEqual([]);
  expect(recipe.stages.map((s) => (s.kind === 'evaluate' ? s.name : s.kind))).toEqual([
    'base',
    'base, best prompt',
    'sft',
    'SFT',
    'merge',
    'sft',
    'SFT continued',
    'back',
    'rejection',
    'grpo',
    'SFT + RL',
  ]);
});

test('star has each round begin with thoughts of the present model, and learn from the base again', () => {
  const { recipe } = PRESETS.star;
  expect(advise(recipe, { thoughts: 0 })).toEqual([]);
  const kinds = visitsOf(recipe.stages).map(({ stage }) => stage.kind);
  const round = ['synthesise', 'back', 'sft', 'merge', 'evaluate', 'repeat'];
  expect(kinds).toEqual(['evaluate', ...round, ...round, ...round]);
});

test.each(names)('%s compares its stages on the same rows, with the same answer length', (name) => {
  const evaluations = PRESETS[name].recipe.stages.filter((s) => s.kind === 'evaluate');
  expect(new Set(evaluations.map((s) => `${s.limit} ${s.maxCompletionLength}`)).size).toBe(1);
});

test.each(names)('%s has no dropout in RL, where completions share their prompt’s forward pass', (name) => {
  const stages = PRESETS[name].recipe.stages.filter((s) => s.kind === 'grpo');
  expect(stages.every((s) => s.lora.loraDropout === 0)).toBe(true);
});

test.each(names)('%s has bounds, groups and steps that can work', (name) => {
  for (const stage of PRESETS[name].recipe.stages) {
    if (stage.kind === 'rejection') expect(curate([], stage).kept).toEqual([]);
    if (stage.kind === 'grpo') {
      expect(stage.numGenerations).toBeGreaterThanOrEqual(2);
      expect(stage.epsilonHigh).toBeGreaterThanOrEqual(stage.epsilon);
      expect(stage.maxSteps).toBeGreaterThan(0);
    }
    if (stage.kind === 'sft') expect(stage.maxSteps + stage.numTrainEpochs).toBeGreaterThan(0);
  }
});

test.each(names)('%s is named as it is called', (name) => {
  expect(PRESETS[name].recipe.name).toBe(name);
});

test('presets are plain data', () => {
  for (const { recipe } of Object.values(PRESETS)) expect(JSON.parse(JSON.stringify(recipe))).toEqual(recipe);
});

test('settings without a published source say so', () => {
  for (const { unverified } of Object.values(PRESETS)) expect(unverified.length).toBeGreaterThan(0);
});

test('a seed can be chosen', () => {
  expect(presetRecipe('demo', 9)).toEqual({ ...PRESETS.demo.recipe, seed: 9 });
  expect(presetRecipe('demo')).toEqual(PRESETS.demo.recipe);
});

const stagesOf = (name: PresetName) => {
  const { stages } = PRESETS[name].recipe;
  const find = <K extends (typeof stages)[number]['kind']>(kind: K) =>
    stages.find((stage): stage is Extract<(typeof stages)[number], { kind: K }> => stage.kind === kind)!;
  return { sft: find('sft'), rejection: find('rejection'), grpo: find('grpo') };
};

test('the paper’s preset has the values that its list of sources names', () => {
  const { sft, rejection, grpo } = stagesOf('paper');
  expect([grpo.lora.r, grpo.lora.loraAlpha, grpo.optimizer.learningRate, grpo.beta, grpo.numGenerations]).toEqual([
    64, 128, 1e-5, 0.04, 8,
  ]);
  expect([grpo.lossType, grpo.maxSteps, grpo.promptsPerStep, grpo.sampling.temperature]).toEqual(['grpo', 500, 8, 1]);
  expect([grpo.rewardWeights.format, grpo.rewardWeights.iou]).toEqual([1, 1]);
  expect([sft.lora.loraDropout, sft.optimizer.learningRate, sft.optimizer.warmupRatio]).toEqual([0.05, 1e-4, 0.03]);
  expect(sft.perDeviceTrainBatchSize * sft.gradientAccumulationSteps).toBe(16);
  expect([rejection.numGenerations, rejection.iouThreshold, rejection.minSuccess, rejection.maxSuccess]).toEqual([
    8, 0.5, 0, 1,
  ]);
});

test('careful learns slower and warms up longer than the paper’s; quick is shorter and narrower than both', () => {
  const [paper, careful, quick] = [stagesOf('paper'), stagesOf('careful'), stagesOf('quick')];
  for (const kind of ['sft', 'grpo'] as const) {
    expect(careful[kind].optimizer.learningRate).toBeLessThan(paper[kind].optimizer.learningRate);
    expect(careful[kind].optimizer.warmupRatio).toBeGreaterThan(paper[kind].optimizer.warmupRatio);
    for (const other of [paper, careful]) expect(quick[kind].lora.r).toBeLessThan(other[kind].lora.r);
  }
  for (const other of [paper, careful]) expect(quick.grpo.maxSteps).toBeLessThan(other.grpo.maxSteps);
  expect(quick.sft.maxSteps).toBeGreaterThan(0);
});
