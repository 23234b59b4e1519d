/** What a step costs, and what it is told of, with a scorer that only counts. */
import { expect, test } from 'vitest';
import { EntropyControl } from '../../src/train/entropy-control.ts';
import type { Optimizer } from '../../src/train/optimizer.ts';
import type { Packed } from '../../src/train/pack.ts';
import { updatePolicy, type PolicyGroup } from '../../src/train/policy-update.ts';
import type { GrpoStage } from '../../src/train/recipe.ts';
import type { ScoreInputs, ScoreSettings } from '../../src/train/scorer.ts';
import { grpoStage } from '../../src/train/stages/index.ts';
import type { StageContext } from '../../src/train/stage.ts';

function bench() {
  const passes: { readonly settings: ScoreSettings; readonly inputs: ScoreInputs }[] = [];
  const context = {
    samples: { features: () => new Float32Array() },
    scorer: () => ({
      run: async (packed: Packed, _: unknown, settings: ScoreSettings, inputs: ScoreInputs = {}) => {
        passes.push({ settings, inputs });
        const n = packed.entries.length;
        return {
          logps: new Float32Array(n).fill(-1),
          entropy: new Float32Array(n).fill(0.5),
          correct: new Float32Array(n),
          terms: new Float32Array(4 * n),
        };
      },
    }),
  } as unknown as Pick<StageContext, 'samples' | 'scorer'>;
  const optimizer = {
    zeroGrad: () => {},
    step: async () => ({ learningRate: 1, gradNorm: 1 }),
  } as unknown as Optimizer;
  return {
    passes,
    update: (stage: GrpoStage, groups: readonly PolicyGroup[]) =>
      updatePolicy(stage, context, optimizer, new EntropyControl(stage), groups),
  };
}

const group = (advantages: readonly number[], entropy: number | null = 5.08, length = 4): PolicyGroup => ({
  sample: {
    prompt: {
      id: 'p',
      tokens: Uint32Array.of(1, 2),
      axes: Int32Array.of(0, 1),
      next: 2,
      featureIndex: Int32Array.of(-1, -1),
      featureRows: 0,
    },
  } as PolicyGroup['sample'],
  completions: advantages.map((advantage) => ({
    tokens: new Uint32Array(length).fill(7),
    truncated: false,
    advantage,
    entropies: entropy === null ? null : new Float32Array(length).fill(entropy),
  })),
});
const plain = { beta: 0, numGenerations: 2 } as const;
const training = ({ passes }: ReturnType<typeof bench>) =>
  passes.filter(({ settings }) => settings.mode.kind === 'policy');

test('a group without differences costs no pass, and its entropy is in the curve all the same', async () => {
  const one = bench();
  const { metrics, skipped } = await one.update(grpoStage(plain), [group([0, 0]), group([1, -1])]);
  expect([one.passes.length, skipped]).toEqual([1, 1]);
  expect(metrics['entropy']).toBeCloseTo((5.08 + 0.5) / 2, 5);
  expect(metrics['clip_ratio/region_mean']).toBe(0);
});

test('a step of nothing but such groups still tells the entropy that they were sampled with', async () => {
  const none = bench();
  const { metrics } = await none.update(grpoStage(plain), [group([0, 0]), group([0, 0])]);
  expect(none.passes).toHaveLength(0);
  expect(metrics['entropy']).toBeCloseTo(5.08, 5);
});

test('what acts on all tokens alike keeps such groups: the KL term and the entropy bonus', async () => {
  const kl = bench();
  await kl.update(grpoStage({ ...plain, beta: 0.04 }), [group([0, 0]), group([1, -1])]);
  expect(training(kl)).toHaveLength(2);
  const bonus = bench();
  const { metrics } = await bonus.update(grpoStage({ ...plain, entropyCoef: 0.01 }), [group([0, 0]), group([1, -1])]);
  expect(training(bonus)).toHaveLength(2);
  const shares = training(bonus).flatMap(({ inputs }) => [...inputs.entropyShare!]);
  expect(shares.reduce((a, b) => a + b, 0)).toBeCloseTo(0.01, 6);
  expect(metrics['entropy_coef']).toBe(0.01);
  expect(metrics['policy_loss']).toBeCloseTo(0.01 * 0.5, 6);
});

test('the share of tokens learned from is taken over the whole step, idle groups included', async () => {
  const half = bench();
  await half.update(grpoStage({ ...plain, topEntropyQuantile: 0.5 }), [group([0, 0], 0.1), group([1, -1])]);
  // 0.5 lies above the median of 0.1 and 0.5, so all tokens of the group that has a pass are kept.
  expect(training(half).flatMap(({ inputs }) => [...inputs.kept!])).toEqual(new Array(8).fill(1));
  const high = bench();
  await high.update(grpoStage({ ...plain, topEntropyQuantile: 0.5 }), [group([0, 0], 5), group([1, -1])]);
  expect(training(high).flatMap(({ inputs }) => [...inputs.kept!])).toEqual(new Array(8).fill(0));
});

test('a group of an earlier step is compared with what it was sampled with', async () => {
  const replay = bench();
  const old = group([1, -1], null);
  const replayed = { ...old, completions: old.completions.map((c) => ({ ...c, old: new Float32Array(4).fill(-2) })) };
  await replay.update(grpoStage(plain), [replayed, group([1, -1])]);
  expect(training(replay).map(({ settings, inputs }) => [settings.mode, inputs.old?.length])).toMatchObject([
    [{ onPolicy: false }, 8],
    [{ onPolicy: true }, undefined],
  ]);
  expect([...training(replay)[0]!.inputs.old!]).toEqual(new Array(8).fill(-2));
});
