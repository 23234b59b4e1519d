/** Accuracy on held-out rows while a stage learns: the run stays as it is, its best is kept, and it may end early. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Recipe } from '../../src/engine/protocol/index.ts';
import { registerDecoder } from '../../src/image/decode.ts';
import { nodeDecode } from '../../src/image/node-decode.ts';
import { memoryFiles } from '../../src/store/memory-files.ts';
import { storageInFiles } from '../../src/store/storage.ts';
import { NOT_MEASURED, type HeldoutSettings } from '../../src/train/stages/heldout.ts';
import { grpoStage, lora, optimizer, sampling, sftStage, type Stage } from '../../src/train/stages/index.ts';
import { Attempt } from './interrupted.ts';

registerDecoder(nodeDecode);

const attempt = new Attempt(storageInFiles(memoryFiles()));
beforeAll(() => attempt.open());
afterAll(() => attempt.session.destroy());

const heldout = (part: Partial<HeldoutSettings>): HeldoutSettings => ({
  ...NOT_MEASURED,
  limit: 3,
  maxCompletionLength: 24,
  ...part,
});
const sft = (part: Partial<HeldoutSettings>) =>
  sftStage({
    lora: lora(4, 8, 0.1),
    optimizer: optimizer(2e-3, 0.1, 'cosine'),
    maxSteps: 4,
    perDeviceTrainBatchSize: 2,
    maxLength: 0,
    heldout: heldout(part),
  });
const grpo = (part: Partial<HeldoutSettings>) =>
  grpoStage({
    lora: lora(4, 8),
    optimizer: optimizer(1e-3, 0, 'constant'),
    maxSteps: 2,
    promptsPerStep: 1,
    numGenerations: 2,
    sampling: sampling(16),
    heldout: heldout(part),
  });

type Point = { readonly step: number; readonly values: Readonly<Record<string, number>> };
async function run(stage: Stage) {
  attempt.events.length = 0;
  const recipe: Recipe = { name: 'measured', seed: 5, stages: [stage] };
  const runId = await attempt.start(recipe);
  await attempt.session.running;
  expect(attempt.session.state).toBe('finished');
  const points = attempt.events.flatMap((event): Point[] => (event.type === 'metrics' ? [event] : []));
  return {
    runId,
    adapter: (await attempt.outcome()).adapter,
    training: points
      .filter(({ values }) => 'loss' in values)
      .map(({ step, values }) => ({ step, values: { ...values, step_time: 0 } })),
    measured: points.filter(({ values }) => 'eval_accuracy' in values),
    notices: attempt.events.flatMap((event) => (event.type === 'notice' ? [event.message] : [])),
  };
}

test.each([
  ['SFT', sft, [2, 4]],
  ['GRPO', grpo, [2]],
] as const)(
  '%s has the same weights and figures to the bit with and without it',
  { timeout: 600_000 },
  async (_, stage, steps) => {
    const without = await run(stage({}));
    const measured = await run(stage({ every: 2, metricForBestModel: 'eval_mean_iou' }));
    expect(measured.adapter.equals(without.adapter)).toBe(true);
    expect(measured.training).toEqual(without.training);
    expect(without.measured).toEqual([]);
    expect(measured.measured.map(({ step }) => step)).toEqual(steps);
    for (const { values } of measured.measured) {
      expect(values['eval_answers']).toBe(3);
      expect(values['eval_accuracy']).toBeGreaterThanOrEqual(0);
      expect(values['eval_accuracy']).toBeLessThanOrEqual(1);
    }
  },
);

test(
  'the best by a metric is kept beside the last and is opened again; without a better one the stage ends',
  { timeout: 600_000 },
  async () => {
    // A rate of nearly nothing: no measurement is better than the first.
    const still = {
      ...sft({ every: 1, metricForBestModel: 'eval_mean_iou', earlyStoppingPatience: 2 }),
      optimizer: optimizer(1e-12, 0, 'constant'),
    };
    const { runId, measured, training, notices } = await run(still);
    expect(training).toHaveLength(3);
    expect(measured.map(({ step }) => step)).toEqual([1, 2, 3]);
    expect(notices.join()).toContain('ended early: eval_mean_iou was best after step 1');
    const { session } = attempt;
    const checkpoints = await session.handle({ type: 'checkpoints', runId });
    const best = checkpoints.find(({ about }) => about.reason === 'best')!;
    expect(best.about).toMatchObject({
      step: 1,
      metric: { name: 'eval_mean_iou', value: measured[0]!.values['eval_mean_iou'] },
    });
    expect(checkpoints[0]!.about.step).toBe(3);

    const last = (await attempt.outcome()).adapter;
    await session.handle({ type: 'continue-run', runId, dataset: attempt.dataset, go: false, checkpoint: best.id });
    expect((await attempt.outcome()).adapter.equals(last)).toBe(false);
    await expect(
      session.handle({ type: 'continue-run', runId, dataset: attempt.dataset, go: false, checkpoint: 999 }),
    ).rejects.toMatchObject({ code: 'checkpoint-missing' });
  },
);

test('a rehearsal tells what it takes', { timeout: 600_000 }, async () => {
  const recipe: Recipe = { name: 'r', seed: 5, stages: [sft({ every: 2 })] };
  const rehearsal = await attempt.session.handle({ type: 'rehearse', dataset: attempt.dataset, recipe });
  expect(rehearsal.stages[0]!.note).toMatch(/Every 2 steps 3 held-out rows are answered, [\d.]+ s each time/);
});
