/** What is tortured: a plan of every kind of stage on the starter model and a few rows of the sample, seconds long. */
import { openAsBlob } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openZip } from '../../src/formats/zip.ts';
import type { Recipe } from '../../src/train/recipe.ts';
import {
  backStage,
  distillStage,
  dpoStage,
  evaluateStage,
  grpoStage,
  ktoStage,
  lora,
  mergeStage,
  optimizer,
  rejectionStage,
  repeatStage,
  sampling,
  sftStage,
  synthesiseStage,
} from '../../src/train/stages/index.ts';

const starter = fileURLToPath(new URL('../../public/starter/', import.meta.url));
export const MODEL = join(starter, 'model');

const trained = { lora: lora(4, 8), optimizer: optimizer(2e-3, 0.1, 'cosine'), gradientCheckpointing: false };

/** With accumulation, dropout, measurements on held-out rows and a best checkpoint, as they go into what is kept. */
export const PLAN: Recipe = {
  name: 'Every kind of stage',
  seed: 11,
  stages: [
    sftStage({
      ...trained,
      lora: lora(4, 8, 0.1),
      maxSteps: 3,
      perDeviceTrainBatchSize: 1,
      gradientAccumulationSteps: 2,
      maxLength: 0,
      evalSteps: 1,
      evalRows: 2,
      heldout: { ...sftStage().heldout, metricForBestModel: 'eval_loss' },
    }),
    mergeStage(),
    synthesiseStage({
      limit: 4,
      numGenerations: 2,
      sampling: sampling(32),
      iouThreshold: 0.01,
      minThoughtWords: 0,
      batchSize: 2,
    }),
    rejectionStage({
      limit: 8,
      numGenerations: 4,
      sampling: sampling(32),
      batchSize: 4,
      iouThreshold: 0.01,
      answersKept: 2,
    }),
    grpoStage({
      ...trained,
      maxSteps: 2,
      promptsPerStep: 1,
      numGenerations: 4,
      numIterations: 2,
      sampling: sampling(32),
    }),
    mergeStage(),
    dpoStage({ ...trained, maxSteps: 2, perDeviceTrainBatchSize: 1, maxCompletionLength: 32 }),
    mergeStage(),
    ktoStage({ ...trained, maxSteps: 2, perDeviceTrainBatchSize: 2, maxCompletionLength: 32 }),
    mergeStage(),
    distillStage({
      ...trained,
      maxSteps: 2,
      promptsPerStep: 1,
      numGenerations: 2,
      teacherModelKind: 'ema',
      sampling: sampling(32),
    }),
    backStage({ merges: 1 }),
    sftStage({ ...trained, name: 'again', maxSteps: 2, perDeviceTrainBatchSize: 1, maxLength: 0 }),
    mergeStage(),
    repeatStage({ numStages: 2, numRounds: 2 }),
    evaluateStage({ name: 'after', limit: 2, maxCompletionLength: 12, batchSize: 1 }),
  ],
};

/** What the starter can do already: of these some answers are right and some wrong, so that there is something to learn from. */
const EASY: readonly string[] = ['refer_grounding', 'group_grounding', 'diff', 'region'];

/** Writes the few rows into a folder. All are encoded before a run, so there are few. */
export async function writeRows(folder: string): Promise<void> {
  const { entries } = await openZip(await openAsBlob(join(starter, 'sample.zip')));
  const bytes = async (path: string) => {
    const blob = await entries.find((entry) => entry.path === path)!.blob();
    return new Uint8Array(await (blob as Blob).arrayBuffer());
  };
  const lines = async (path: string, count: number) =>
    new TextDecoder()
      .decode(await bytes(path))
      .split('\n')
      .filter((line) => line !== '' && EASY.includes((JSON.parse(line) as { task: string }).task))
      .slice(0, count);
  const [train, heldout] = [await lines('train.jsonl', 12), await lines('heldout.jsonl', 20)];
  const images = new Set([...train, ...heldout].flatMap((line) => (JSON.parse(line) as { images: string[] }).images));
  const put = async (path: string, data: string | Uint8Array) => {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), data);
  };
  await put('train.jsonl', train.join('\n'));
  await put('heldout.jsonl', heldout.join('\n'));
  for (const path of ['dataset_info.json', ...images]) await put(path, await bytes(path));
}
