/** The loss on held-out rows while SFT learns: it is what training measures, and it leaves the run as it is. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Recipe } from '../../src/engine/protocol/index.ts';
import { registerDecoder } from '../../src/image/decode.ts';
import { nodeDecode } from '../../src/image/node-decode.ts';
import { memoryFiles } from '../../src/store/memory-files.ts';
import { storageInFiles } from '../../src/store/storage.ts';
import type { SftStage } from '../../src/train/stages/sft.ts';
import { lora, optimizer, sftStage } from '../../src/train/stages/index.ts';
import { fewRows } from './few-rows.ts';
import { Attempt } from './interrupted.ts';

registerDecoder(nodeDecode);

const attempt = new Attempt(storageInFiles(memoryFiles()));
beforeAll(() => attempt.open());
afterAll(() => attempt.session.destroy());

const recipe = (part: Partial<SftStage>): Recipe => ({
  name: 'sft',
  seed: 5,
  stages: [
    sftStage({
      lora: lora(4, 8, 0.1),
      optimizer: optimizer(2e-3, 0.1, 'cosine'),
      maxSteps: 3,
      perDeviceTrainBatchSize: 2,
      gradientAccumulationSteps: 2,
      maxLength: 0,
      ...part,
    }),
  ],
});

type Values = Readonly<Record<string, number>>;
const metrics = (): Values[] => attempt.events.flatMap((event) => (event.type === 'metrics' ? [event.values] : []));
async function run(part: Partial<SftStage>) {
  attempt.events.length = 0;
  await attempt.start(recipe(part));
  await attempt.session.running;
  expect(attempt.session.state).toBe('finished');
  return { adapter: (await attempt.outcome()).adapter, metrics: metrics() };
}
const isHeldout = (name: string) => name.startsWith('eval_');
const withoutHeldout = (values: Values) =>
  Object.fromEntries(Object.entries(values).filter(([name]) => !isHeldout(name) && name !== 'step_time'));

test(
  'with and without it the weights are the same to the bit, and so is every other figure',
  { timeout: 600_000 },
  async () => {
    const without = await run({});
    const measured = await run({ evalSteps: 2, evalRows: 5 });
    expect(measured.adapter.equals(without.adapter)).toBe(true);
    expect(measured.metrics.map(withoutHeldout)).toEqual(without.metrics.map(withoutHeldout));
    // After step 2, and after the last.
    expect(measured.metrics.map((values) => Object.keys(values).filter(isHeldout).length)).toEqual([0, 3, 3]);
    expect(measured.metrics.map(({ eval_rows: rows }) => rows)).toEqual([undefined, 5, 5]);
    expect(without.metrics.flatMap(Object.keys).filter(isHeldout)).toEqual([]);
    // The same rows every time: the same run measures the same.
    expect((await run({ evalSteps: 2, evalRows: 5 })).metrics.at(-1)!['eval_loss']).toBe(
      measured.metrics.at(-1)!['eval_loss'],
    );
  },
);

test('on the rows that are trained on, it is the loss of training', { timeout: 600_000 }, async () => {
  const files = await fewRows();
  const train = files.find(({ path }) => path === 'train.jsonl')!;
  const same = files.map((each) => (each.path === 'heldout.jsonl' ? { ...each, file: train.file } : each));
  const before = attempt.dataset;
  attempt.dataset = (await attempt.session.handle({ type: 'open-dataset', name: 'same', files: same })).id;
  const whole = { perDeviceTrainBatchSize: 12, gradientAccumulationSteps: 1, maxSteps: 1, evalSteps: 1, evalRows: 0 };
  // A step of nearly nothing, without dropout: the weights are measured where they were trained.
  const [values] = (await run({ ...whole, lora: lora(4, 8, 0), optimizer: optimizer(1e-12, 0, 'constant') })).metrics;
  expect(values!['eval_rows']).toBe(12);
  expect(values!['eval_loss']).toBeCloseTo(values!['loss']!, 4);
  expect(values!['eval_mean_token_accuracy']).toBeCloseTo(values!['mean_token_accuracy']!, 6);
  attempt.dataset = before;
});
