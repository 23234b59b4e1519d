/** Rows that a stage has handed on are what the stages after it learn from, before and after a run was killed. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { filesUnder } from '../../src/cli/node-files.ts';
import { openNodeGpu } from '../../src/cli/node-gpu.ts';
import { openDataset, type Dataset } from '../../src/data/dataset.ts';
import type { Row } from '../../src/data/row.ts';
import { readPosition, type RunPosition } from '../../src/engine/keep/position.ts';
import { Workbench } from '../../src/engine/model/workbench.ts';
import { runRecipe } from '../../src/engine/run/run.ts';
import type { Outcome } from '../../src/evaluate/outcome.ts';
import { blobSource } from '../../src/formats/byte-source.ts';
import { Session } from '../../src/gpu/recorder.ts';
import { registerDecoder } from '../../src/image/decode.ts';
import { nodeDecode } from '../../src/image/node-decode.ts';
import { loadModel, type LoadedModel } from '../../src/models/load.ts';
import { lora, optimizer, sampling, sftStage, synthesiseStage } from '../../src/train/stages/index.ts';
import { listed } from '../data/make-dataset.ts';
import { fewRows, starter } from './few-rows.ts';

registerDecoder(nodeDecode);

let session: Session;
let loaded: LoadedModel;
let dataset: Dataset;

beforeAll(async () => {
  session = new Session(await openNodeGpu());
  const folder = new Map((await filesUnder(`${starter}model`)).map(({ path, file }) => [path, blobSource(file)]));
  loaded = await loadModel(session, folder, { dtype: 'f32' });
  dataset = await openDataset('few', await fewRows());
});
afterAll(() => {
  loaded.model.destroy();
  session.destroy();
});

const recipe = {
  name: 'written',
  seed: 1,
  stages: [
    sftStage({
      lora: lora(4),
      optimizer: optimizer(1e-3),
      maxSteps: 1,
      perDeviceTrainBatchSize: 4,
      gradientCheckpointing: false,
    }),
  ],
};

/** The first loss of a run that goes on from `position`, and where it then stands, as a checkpoint has it. */
async function firstLoss(outcomes: readonly Outcome[], bench = new Workbench(loaded, dataset)) {
  let loss = NaN;
  let position = '';
  await runRecipe(
    bench,
    recipe,
    {
      gate: () => Promise.resolve(true),
      emit: (event) => void (event.type === 'metrics' && (loss = event.values['loss']!)),
      boundary: async (at) => void (position = JSON.stringify({ ...at, optimizer: undefined })),
    },
    { position: { stage: 0, position: null, seconds: 0, step: 0, outcomes }, moments: null },
  );
  bench.destroy();
  return { loss, stands: readPosition(JSON.parse(position) as RunPosition) };
}

test('every row rewritten under its own id is learned from as it was rewritten, also after a restart', async () => {
  const plain = await firstLoss([]);
  const rows = (await listed(dataset.rows('train'))).map((row): Row => ({ ...row, think: 'I saw it at once.' }));
  const written = await firstLoss([{ rows }]);
  expect(plain.loss).toBeGreaterThan(0);
  expect(written.loss).toBeGreaterThan(0);
  expect(written.loss).not.toBe(plain.loss);
  const { outcomes } = written.stands;
  expect(outcomes).toHaveLength(2);
  expect((await firstLoss(outcomes)).loss).toBe(written.loss);
});

test('the rows as they were are not mistaken for those that were written, though both have been encoded', async () => {
  const bench = new Workbench(loaded, dataset);
  const [row] = await listed(dataset.rows('train'));
  const rewritten = { ...row!, think: 'Another thought.' };
  const [as, anew, again] = await bench.samples.encode([row!, rewritten, { ...row! }]);
  expect(anew!.targetText).toContain('Another thought.');
  expect(as!.targetText).not.toContain('Another thought.');
  expect(again).toBe(as);
  bench.destroy();
});

test('thoughts that the model writes become rows that the stages after it learn from', async () => {
  const bench = new Workbench(loaded, dataset);
  const told: string[] = [];
  let losses = 0;
  const written = synthesiseStage({ limit: 8, numGenerations: 4, sampling: sampling(48), iouThreshold: 0.2 });
  await runRecipe(
    bench,
    { ...recipe, stages: [written, ...recipe.stages] },
    {
      gate: () => Promise.resolve(true),
      emit: (event) => {
        if (event.type === 'notice') told.push(event.message);
        if (event.type === 'metrics' && event.values['loss'] !== undefined) losses++;
      },
    },
  );
  const rows = bench.outcomes[0]!.rows!;
  expect(told).toContainEqual(expect.stringMatching(/^\d+ of \d+ rows have a thought now\.$/));
  for (const { think, thoughtBy } of rows) expect([think!.length > 0, thoughtBy!.who]).toEqual([true, 'itself']);
  expect(losses).toBe(1);
  bench.destroy();
});
