/** Rehearsal and pinned rows on the starter: they say what they should, and the run is the same with and without them. */
import { listed } from '../data/make-dataset.ts';
import { openAsBlob } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { filesUnder } from '../../src/cli/node-files.ts';
import { openNodeGpu } from '../../src/cli/node-gpu.ts';
import type { EngineEvent, Recipe, Watch } from '../../src/engine/protocol/index.ts';
import { EngineSession } from '../../src/engine/session.ts';
import { registerDecoder } from '../../src/image/decode.ts';
import { nodeDecode } from '../../src/image/node-decode.ts';
import {
  evaluateStage,
  grpoStage,
  lora,
  mergeStage,
  optimizer,
  rejectionStage,
  sampling,
  sftStage,
} from '../../src/train/stages/index.ts';
import { fewRows, starter } from './few-rows.ts';

registerDecoder(nodeDecode);

const learning = { lora: lora(4, 8), optimizer: optimizer(1e-3, 0, 'constant'), gradientCheckpointing: false };
const recipe: Recipe = {
  name: 'test',
  seed: 1,
  stages: [
    evaluateStage({ limit: 3, batchSize: 2, maxCompletionLength: 12 }),
    sftStage({ ...learning, maxSteps: 3, perDeviceTrainBatchSize: 2 }),
    mergeStage(),
    rejectionStage({ limit: 4, batchSize: 2, numGenerations: 2, sampling: sampling(12) }),
    grpoStage({ ...learning, maxSteps: 2, promptsPerStep: 1, numGenerations: 4, sampling: sampling(12), beta: 0 }),
  ],
};
/** What a run does that must not change, without GRPO: rejection may leave no prompt of so few. */
const short: Recipe = { ...recipe, stages: recipe.stages.slice(0, 2) };

let events: EngineEvent[] = [];
const session = new EngineSession({
  openGpu: () => openNodeGpu({ onError: (message) => expect.fail(message) }),
  fetchFile: (url) => openAsBlob(url),
  emit: (event) => events.push(event),
});
let dataset = '';

beforeAll(async () => {
  const files = (await filesUnder(`${starter}model`)).map(({ path, file }) => ({ path: `model/${path}`, file }));
  await session.handle({ type: 'load-model', files });
  dataset = (await session.handle({ type: 'open-dataset', name: 'few', files: await fewRows() })).id;
});
afterAll(() => session.destroy());

/** Runs the short recipe; the loss and norm of every step, to the bit. */
async function losses(watch?: Watch): Promise<number[]> {
  events = [];
  await session.handle({ type: 'start', dataset, recipe: short, ...(watch && { watch }) });
  await session.running;
  expect(session.state, JSON.stringify(events.filter(({ type }) => type === 'failure'))).toBe('finished');
  return events.flatMap((event) =>
    event.type === 'metrics' ? [event.values['loss']!, event.values['grad_norm']!] : [],
  );
}

test('a rehearsal times every stage, and neither it nor pinned rows move the run by a bit', async () => {
  const plain = await losses();
  expect(plain).toHaveLength(6);

  const rehearsal = await session.handle({ type: 'rehearse', dataset, recipe });
  expect(rehearsal.stages.map(({ name, count, unit }) => [name, count, unit])).toEqual([
    ['Evaluation', 2, 'batch'],
    ['Cold start', 3, 'step'],
    ['Merge', 1, 'merge'],
    ['Rejection sampling', 2, 'batch'],
    ['Reinforcement', 2, 'step'],
  ]);
  for (const { secondsEach, seconds, count } of rehearsal.stages) {
    expect(secondsEach).toBeGreaterThan(0);
    expect(seconds).toBeCloseTo(secondsEach! * count, 9);
  }
  const { longest, memory, pictures, totalSeconds } = rehearsal;
  expect([longest.among, longest.promptTokens > 50, longest.targetTokens > 10]).toEqual([12, true, true]);
  expect(totalSeconds).toBeGreaterThan(pictures.seconds);
  // The plan is of a fresh session; this one still holds the bench of the run before.
  expect(memory.allocatedBytes / memory.plannedBytes).toBeGreaterThan(0.7);
  expect(memory.allocatedBytes / memory.plannedBytes).toBeLessThan(1.5);

  const rowIds = [0, 1].map((i) => session.bench!.dataset.rows('heldout').id(i));
  expect(await losses({ rowIds, everySteps: 2 })).toEqual(plain);
  const shots = events.filter((event) => event.type === 'snapshot');
  // Before the first step, every second step, and at the end of the stage.
  expect(shots.map(({ step, rowId }) => [step, rowId])).toEqual(
    [0, 2, 3].flatMap((step) => rowIds.map((id) => [step, id])),
  );
  const last = await session.handle({ type: 'answer', dataset, rowId: rowIds[0]!, policies: ['tuned'] });
  expect(shots.at(-2)!.answer).toEqual(last[0]);
});

test('a rehearsal can be stopped, and refuses company', async () => {
  const rehearsal = session.handle({ type: 'rehearse', dataset, recipe });
  await expect(session.handle({ type: 'start', dataset, recipe })).rejects.toMatchObject({ code: 'rehearsal-active' });
  await session.handle({ type: 'control', action: 'stop' });
  await expect(rehearsal).rejects.toMatchObject({ code: 'rehearsal-stopped' });
  await expect(
    session.handle({ type: 'rehearse', dataset, recipe: { ...recipe, stages: [mergeStage()] } }),
  ).rejects.toMatchObject({ code: 'recipe-invalid' });
});

test('pictures in another order are answered and scored in that order', async () => {
  const row = (await listed(session.bench!.dataset.rows('heldout'))).find(({ images }) => images.length >= 2)!;
  const order = row.images.map((_, i) => row.images.length - 1 - i);
  const [swapped] = await session.handle({ type: 'answer', dataset, rowId: row.id, policies: ['tuned'], order });
  const [as, again] = await Promise.all(
    [undefined, row.images.map((_, i) => i)].map(async (same) =>
      session.handle({ type: 'answer', dataset, rowId: row.id, policies: ['tuned'], ...(same && { order: same }) }),
    ),
  );
  expect(again).toEqual(as);
  expect(swapped!.boxes.every(({ image }) => image < row.images.length)).toBe(true);
});
