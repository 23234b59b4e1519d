/** A short run of the whole method on a tiny model, to be killed in every way there is and gone on with. */
import { openAsBlob } from 'node:fs';
import { DRAW } from '../../src/train/draw-settings.ts';
import { filesUnder } from '../../src/cli/node-files.ts';
import { openNodeGpu } from '../../src/cli/node-gpu.ts';
import type { EngineEvent, Recipe } from '../../src/engine/protocol/index.ts';
import { EngineSession } from '../../src/engine/session.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import type { Storage } from '../../src/store/storage.ts';
import {
  backStage,
  distillStage,
  evaluateStage,
  grpoStage,
  ktoStage,
  lora,
  mergeStage,
  optimizer,
  rejectionStage,
  sampling,
  sftStage,
} from '../../src/train/stages/index.ts';
import { timeless } from '../../tools/torture/timeless.ts';
import { fewRows, starter } from './few-rows.ts';

const trained = { lora: lora(4, 8, 0.1), optimizer: optimizer(2e-3, 0.1, 'cosine') };

/** SFT with accumulation and dropout → merge → rejection → GRPO → merge → KTO → merge → SDFT → back to the first merge → evaluation. */
export const WHOLE: Recipe = {
  name: 'whole',
  seed: 11,
  // Drawn by task and changed from draw to draw, which a resumed run must do alike.
  draw: {
    ...DRAW,
    mixBy: 'file',
    shares: { 'train.jsonl': 0.9 },
    order: 0.5,
    flip: 0.5,
    crop: 0.5,
    scale: 0.5,
    colour: 0.5,
  },
  stages: [
    sftStage({ ...trained, maxSteps: 2, perDeviceTrainBatchSize: 1, gradientAccumulationSteps: 2, maxLength: 0 }),
    mergeStage(),
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
      lora: lora(4, 8),
      maxSteps: 2,
      promptsPerStep: 1,
      numGenerations: 4,
      numIterations: 2,
      sampling: sampling(32),
    }),
    mergeStage(),
    ktoStage({ ...trained, lora: lora(4, 8), maxSteps: 2, perDeviceTrainBatchSize: 2, maxCompletionLength: 32 }),
    mergeStage(),
    distillStage({
      ...trained,
      lora: lora(4, 8),
      maxSteps: 2,
      promptsPerStep: 1,
      numGenerations: 2,
      numIterations: 2,
      teacherModelKind: 'ema',
      sampling: sampling(24),
    }),
    backStage({ merges: 1 }),
    evaluateStage({ name: 'after', limit: 2, maxCompletionLength: 12, batchSize: 1 }),
  ],
};

/** Optimizer steps, batches of prompts, optimizer steps three times, batches of rows; answers and rows that are told a second time at the end. */
export const UNITS = 2 + 2 + 2 + 2 + 2 + 2 + 2;

export class Attempt {
  readonly events: EngineEvent[] = [];
  readonly session: EngineSession;
  gpu: Gpu | null = null;
  dataset = '';
  onEvent: (event: EngineEvent) => void = () => undefined;

  constructor(storage: Storage) {
    this.session = new EngineSession({
      openGpu: async () => (this.gpu = await openNodeGpu()),
      fetchFile: (url) => openAsBlob(url),
      emit: (event) => {
        if (event.type === 'restored') this.events.splice(0, Infinity, ...event.events);
        else this.events.push(event);
        this.onEvent(event);
      },
      storage,
    });
  }

  async open(): Promise<void> {
    await this.session.handle({ type: 'load-model', files: await filesUnder(`${starter}model`) });
    this.dataset = (await this.session.handle({ type: 'open-dataset', name: 'few', files: await fewRows() })).id;
  }

  async start(recipe = WHOLE, everySteps = 1): Promise<string> {
    const { dataset } = this;
    return (await this.session.handle({ type: 'start', dataset, recipe, keep: { everySteps } })).runId;
  }

  async continue(runId: string): Promise<void> {
    await this.session.handle({ type: 'continue-run', runId, dataset: this.dataset, go: true });
  }

  /** Everything a run tells that must not depend on how often it was interrupted, and its adapter. */
  async outcome(): Promise<{ told: unknown[]; adapter: Buffer }> {
    // A stage is told again by whoever goes on with it.
    const told = this.events.flatMap((event) => (event.type === 'stage' ? [] : timeless(event)));
    const [, tensors] = await this.session.exportFiles({ what: 'adapter' });
    const chunks: Uint8Array[] = [];
    for await (const chunk of tensors!.data as AsyncIterable<Uint8Array>) chunks.push(chunk);
    return { told, adapter: Buffer.concat(chunks) };
  }
}
