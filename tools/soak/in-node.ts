/** A long run under Node: what its process holds on to. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { filesUnder } from '../../src/cli/node-files.ts';
import { nodeFileStore } from '../../src/cli/node-file-store.ts';
import { openNodeGpu } from '../../src/cli/node-gpu.ts';
import { EngineSession } from '../../src/engine/session.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { registerDecoder } from '../../src/image/decode.ts';
import { nodeDecode } from '../../src/image/node-decode.ts';
import { storageInFiles } from '../../src/store/storage.ts';
import { writeRows } from '../torture/plan.ts';
import { KEEP, writeSmallest, type Soak } from './soaked.ts';

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

export const soakInNode: Soak = async (recipe, every) => {
  const folder = await mkdtemp(join(tmpdir(), 'groundwork-soak-'));
  await writeSmallest(join(folder, 'model'));
  await writeRows(join(folder, 'rows'));
  const storage = storageInFiles(nodeFileStore(join(folder, 'run')));
  const measured: Record<string, number>[] = [];
  let gpuBytes = () => 0;
  let done = 0;
  const failures: string[] = [];
  registerDecoder(nodeDecode);
  const session = new EngineSession({
    openGpu: async () => {
      const gpu = await openNodeGpu();
      gpuBytes = watchGpu(gpu);
      return gpu;
    },
    fetchFile: () => Promise.reject(new Error('nothing is fetched')),
    storage,
    emit: (event) => {
      if (event.type === 'failure') failures.push(`${event.message} ${event.hint}`);
      if (event.type === 'metrics') done = event.step;
    },
  });
  await session.handle({ type: 'load-model', files: await filesUnder(join(folder, 'model')), name: 'smallest' });
  const { id: dataset } = await session.handle({
    type: 'open-dataset',
    name: 'rows',
    files: await filesUnder(join(folder, 'rows')),
  });
  await session.handle({ type: 'start', dataset, recipe, keep: KEEP });
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
  return { done, minutes: (performance.now() - begun) / 60_000, measured, failures, logBytes };
};
