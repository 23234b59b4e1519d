/** A checkpoint of full size trained for a step: what it takes in time and memory, against the plan. */
import { count } from '../../base/counts.ts';
import { openDataset } from '../../data/dataset.ts';
import { spread } from '../../data/row-list.ts';
import { blobSource } from '../../formats/byte-source.ts';
import { openZip } from '../../formats/zip.ts';
import type { Gpu } from '../../gpu/device.ts';
import { Session } from '../../gpu/recorder.ts';
import { loadModel } from '../../models/load.ts';
import type { WeightDType } from '../../models/weights.ts';
import { longestRow, planMemory } from '../../train/memory-plan.ts';
import type { Stage } from '../../train/recipe.ts';
import { descriptorOf, grpoStage, lora, mergeStage, sampling, sftStage } from '../../train/stages/index.ts';
import type { NamedFile } from '../protocol/words.ts';
import { Workbench } from '../model/workbench.ts';
import { runRecipe } from '../run/run.ts';

const ROWS = 2;

/** Bytes of the buffers alive on a device, now and at most. */
function watchMemory(gpu: Gpu) {
  const memory = { now: 0, peak: 0 };
  const create = gpu.device.createBuffer.bind(gpu.device);
  gpu.device.createBuffer = (descriptor) => {
    const buffer = create(descriptor);
    const { size } = buffer;
    const destroy = buffer.destroy.bind(buffer);
    let alive = true;
    buffer.destroy = () => {
      if (alive) memory.now -= size;
      alive = false;
      return destroy();
    };
    memory.now += size;
    memory.peak = Math.max(memory.peak, memory.now);
    return buffer;
  };
  return memory;
}

export const STAGES: Readonly<Record<string, readonly Stage[]>> = {
  sft: [
    sftStage({ lora: lora(8), maxSteps: 1, perDeviceTrainBatchSize: 1, gradientAccumulationSteps: 1, maxLength: 0 }),
  ],
  grpo: [grpoStage({ lora: lora(8), maxSteps: 1, promptsPerStep: 1, numGenerations: 2, sampling: sampling(8) })],
};

/** The first rows of the sample and their pictures. */
async function fewRows(sample: Blob): Promise<NamedFile[]> {
  const { entries } = await openZip(sample);
  const file = async (path: string) => (await entries.find((entry) => entry.path === path)!.blob()) as Blob;
  const lines = (await (await file('train.jsonl')).text()).split('\n').slice(0, ROWS);
  const images = lines.flatMap((line) => (JSON.parse(line) as { images: string[] }).images);
  return [
    { path: 'train.jsonl', file: new Blob([lines.join('\n')]) },
    ...(await Promise.all(['dataset_info.json', ...images].map(async (path) => ({ path, file: await file(path) })))),
  ];
}

export interface FullSizeOptions {
  readonly gpu: Gpu;
  readonly checkpoint: readonly NamedFile[];
  /** The sample dataset, zipped. */
  readonly sample: Blob;
  readonly dtype: WeightDType;
  /** Of STAGES, in order. */
  readonly kinds: readonly string[];
  /** Pictures are resized to at most this many. */
  readonly maxPixels: number;
  readonly tell: (line: string) => void;
  /** The process: bytes of the JavaScript heap and of its array buffers now, and resident bytes. */
  readonly process: () => { readonly script: number; readonly resident: number };
}

/** How often the script's memory is looked at, besides the end of each stage. */
const LOOK_MS = 20;

const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
const since = (started: number): string => ((performance.now() - started) / 1000).toFixed(1);

/** A table of what was measured. */
export async function measureFullSize(options: FullSizeOptions): Promise<string> {
  const { gpu, checkpoint, sample, dtype, kinds, maxPixels, tell } = options;
  const memory = watchMemory(gpu);
  const rows: string[][] = [];
  let script = 0;
  const look = () => (script = Math.max(script, options.process().script));
  const looking = setInterval(look, LOOK_MS);
  const usage = () => {
    look();
    const cells = [mib(script), mib(options.process().resident)];
    script = 0;
    return cells;
  };
  const note = (cells: string[]) => {
    rows.push(cells);
    tell(cells.join('  '));
  };
  const session = new Session(gpu);
  const files = new Map(checkpoint.map(({ path, file }) => [path, blobSource(file)]));
  let started = performance.now();
  const limits = { minPixels: 1, maxPixels, imageSplitting: false };
  const loaded = await loadModel(session, files, { dtype, limits });
  note([`load, ${dtype}`, since(started), mib(memory.peak), '', ...usage()]);
  const dataset = await openDataset('few rows', await fewRows(sample));
  const bench = new Workbench(loaded, dataset);
  const stages = kinds.flatMap((kind, i) => [...(i ? [mergeStage()] : []), ...STAGES[kind]!]);
  const samples = await bench.samples.encode(await spread(dataset.rows('train'), ROWS));
  const longest = longestRow(samples, loaded.processor);
  const ends = kinds.map((_, i) => (i + 1) * 2 - 1);
  const planned = ends.map(
    (end) =>
      planMemory({ architecture: loaded.architecture, recipe: { stages: stages.slice(0, end) }, longest, gpu, dtype })
        .totalBytes,
  );
  let done = 0;
  started = performance.now();
  memory.peak = memory.now;
  await runRecipe(
    bench,
    { name: 'full size', seed: 1, stages },
    {
      gate: () => Promise.resolve(true),
      turn: () => Promise.resolve(true),
      emit: (event) => {
        if (event.type !== 'stage' || event.status !== 'finished') return;
        const seconds = since(started);
        const train = descriptorOf(event.stage).trains;
        const plan = train ? planned[done++]! : 0;
        note([
          train ? `one step of ${event.stage.kind.toUpperCase()}` : 'merge',
          seconds,
          mib(memory.peak),
          train ? `${mib(plan)} (${(plan / memory.peak).toFixed(3)})` : '',
          ...usage(),
        ]);
        started = performance.now();
      },
    },
  );
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const table = [
    `${count(loaded.model.parameterCount)} parameters on ${gpu.name}; rows of ${longest.promptTokens} tokens (${longest.featureRows} of pictures) and ${longest.targetTokens} of answer`,
    '',
    line(['', 'seconds', 'GPU MiB at most', 'planned (of measured)', 'script MiB at most', 'process MiB']),
    line(['---', '--:', '--:', '--:', '--:', '--:']),
    ...rows.map(line),
  ].join('\n');
  clearInterval(looking);
  bench.destroy();
  loaded.model.destroy();
  session.destroy();
  return table;
}
