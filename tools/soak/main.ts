/**
 * `npm run soak -- [--sft N] [--grpo N] [--every N]`: long runs on the smallest model, and what they hold on to: heap, GPU
 * bytes, open handles and files, a measurement every so many steps. After a warm-up all of them are to be flat: what a
 * straight line through the measurements gains is within their noise. Ends with exit code 1 where it is not.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { filesUnder } from '../../src/cli/node-files.ts';
import { nodeFileStore } from '../../src/cli/node-file-store.ts';
import { openNodeGpu } from '../../src/cli/node-gpu.ts';
import { writeSynthetic } from '../../src/cli/synthetic-folder.ts';
import type { EngineEvent } from '../../src/engine/protocol/index.ts';
import { EngineSession } from '../../src/engine/session.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { registerDecoder } from '../../src/image/decode.ts';
import { nodeDecode } from '../../src/image/node-decode.ts';
import { storageInFiles } from '../../src/store/storage.ts';
import { grpoStage, lora, optimizer, sampling, sftStage, type Stage } from '../../src/train/stages/index.ts';
import { writeRows } from '../torture/plan.ts';
import { flatness, type Flatness } from './flatness.ts';

const { values } = parseArgs({
  options: {
    sft: { type: 'string', default: '5000' },
    grpo: { type: 'string', default: '1000' },
    every: { type: 'string', default: '20' },
  },
});
const [sft, grpo, every] = [Number(values.sft), Number(values.grpo), Number(values.every)];
if (![sft, grpo, every].every((value) => Number.isSafeInteger(value) && value >= 0) || every === 0) {
  console.error('usage: npm run soak -- [--sft N] [--grpo N] [--every N]');
  process.exit(2);
}

/** Measurements before these are of what is made once. */
const WARM = 0.3;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes of the buffers of a device that are alive. */
function watchGpu(gpu: Gpu): () => number {
  let bytes = 0;
  const create = gpu.device.createBuffer.bind(gpu.device);
  gpu.device.createBuffer = (descriptor) => {
    const buffer = create(descriptor);
    const destroy = buffer.destroy.bind(buffer);
    let alive = true;
    bytes += descriptor.size;
    buffer.destroy = () => {
      if (alive) bytes -= descriptor.size;
      alive = false;
      return destroy();
    };
    return buffer;
  };
  return () => bytes;
}

const openFiles = (): Promise<number> =>
  readdir('/proc/self/fd').then(
    ({ length }) => length,
    () => 0,
  );

type Measured = Readonly<Record<'heap' | 'gpu' | 'handles' | 'files' | 'checkpoints', number>>;

async function soak(name: string, stage: Stage, steps: number): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'groundwork-soak-'));
  const checkpoint = fileURLToPath(new URL('../../tests/golden/qwen2_vl/one-image/checkpoint', import.meta.url));
  const config = JSON.parse(await readFile(join(checkpoint, 'config.json'), 'utf8')) as Record<string, unknown>;
  await writeSynthetic({ id: 'smallest', parameters: 0, config }, join(folder, 'model'), {
    seed: 3,
    textFrom: checkpoint,
    maxShardBytes: 2 ** 24,
  });
  await writeRows(join(folder, 'rows'));
  const storage = storageInFiles(nodeFileStore(join(folder, 'run')));
  const measured: Measured[] = [];
  let gpuBytes = () => 0;
  let done = 0;
  const failures: string[] = [];
  const hear = (event: EngineEvent) => {
    if (event.type === 'failure') failures.push(`${event.message} ${event.hint}`);
    if (event.type === 'metrics') done = event.step;
  };
  registerDecoder(nodeDecode);
  const session = new EngineSession({
    openGpu: async () => {
      const gpu = await openNodeGpu();
      gpuBytes = watchGpu(gpu);
      return gpu;
    },
    fetchFile: () => Promise.reject(new Error('nothing is fetched')),
    storage,
    emit: hear,
  });
  await session.handle({ type: 'load-model', files: await filesUnder(join(folder, 'model')), name: 'smallest' });
  const dataset = await session.handle({
    type: 'open-dataset',
    name: 'rows',
    files: await filesUnder(join(folder, 'rows')),
  });
  await session.handle({
    type: 'start',
    dataset: dataset.id,
    recipe: { name, seed: 5, stages: [stage] },
    keep: { everySteps: 50, keepLast: 2 },
  });
  const begun = performance.now();
  let next = every;
  // Not by a race in each turn: the promise of the run's end would remember every one of them.
  let ended = false;
  void session.running.then(() => (ended = true));
  while (!ended) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (done < next) continue;
    next = done + every;
    collect();
    const stored = await storage.files.list();
    measured.push({
      heap: process.memoryUsage().heapUsed,
      gpu: gpuBytes(),
      handles: process.getActiveResourcesInfo().filter((kind) => kind !== 'Timeout').length,
      files: await openFiles(),
      checkpoints: stored.filter(({ path }) => path.endsWith('.bin')).length,
    });
  }
  const stored = await storage.files.list();
  const logBytes = stored.filter(({ path }) => path.includes('/log/')).reduce((sum, { size }) => sum + size, 0);
  await session.destroy();
  await rm(folder, { recursive: true, force: true });
  const minutes = (performance.now() - begun) / 60_000;
  console.log(`${name}: ${done} of ${steps} steps in ${minutes.toFixed(1)} min, ${measured.length} measurements`);
  for (const failure of failures) console.log(`  ${failure}`);
  const warm = measured.slice(Math.floor(measured.length * WARM));
  const verdicts = (Object.keys(warm[0] ?? {}) as (keyof Measured)[]).map((key): [string, Flatness] => [
    key,
    flatness(warm.map((each) => each[key])),
  ]);
  for (const [key, { mean, gain, noise, flat }] of verdicts)
    console.log(
      `  ${key.padEnd(12)} mean ${mean.toFixed(0)}, gains ${gain.toFixed(1)} over the run, noise ${noise.toFixed(1)}: ${flat ? 'flat' : 'NOT FLAT'}`,
    );
  console.log(`  log ${(logBytes / Math.max(1, done)).toFixed(0)} bytes a step`);
  return failures.length === 0 && done >= steps && warm.length > 2 && verdicts.every(([, { flat }]) => flat);
}

const trained = { lora: lora(4, 8), optimizer: optimizer(1e-4, 0, 'constant'), gradientCheckpointing: false };
const results: boolean[] = [];
if (sft > 0)
  results.push(
    await soak('SFT', sftStage({ ...trained, maxSteps: sft, perDeviceTrainBatchSize: 1, maxLength: 0 }), sft),
  );
if (grpo > 0)
  results.push(
    await soak(
      'GRPO',
      grpoStage({ ...trained, maxSteps: grpo, promptsPerStep: 1, numGenerations: 2, sampling: sampling(8) }),
      grpo,
    ),
  );
process.exit(results.every(Boolean) ? 0 : 1);
