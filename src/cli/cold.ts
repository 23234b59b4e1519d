/**
 * What a first step costs where the driver has compiled nothing yet: the wait for it, then kernel by kernel. Processor
 * seconds are those of all threads but the one that runs JavaScript, so that they mean something on a busy machine too.
 */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Gpu } from '../gpu/device.ts';
import type { KernelSource } from '../gpu/kernel.ts';
import { Session } from '../gpu/recorder.ts';

export interface Cost {
  readonly wallMs: number;
  /** Of all threads but JavaScript's: the driver's, and the little that V8 does beside. */
  readonly cpuMs: number;
  /** Of JavaScript's thread. */
  readonly ownMs: number;
}

/** Gives Mesa, which looks when an instance is made, an empty place for what it compiles, as long as `work` goes on. */
export async function withEmptyShaderCache<T>(work: () => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'groundwork-cold-'));
  const before = process.env['MESA_SHADER_CACHE_DIR'];
  process.env['MESA_SHADER_CACHE_DIR'] = folder;
  try {
    return await work();
  } finally {
    if (before === undefined) delete process.env['MESA_SHADER_CACHE_DIR'];
    else process.env['MESA_SHADER_CACHE_DIR'] = before;
    await rm(folder, { recursive: true, force: true });
  }
}

const nap = new Int32Array(new SharedArrayBuffer(4));

/** Processor milliseconds so far of all threads but this one, those that have ended included, and of this one; NaN but on Linux. */
function spentMs(): Omit<Cost, 'wallMs'> {
  try {
    // The scheduler writes down what a thread has used when that thread sleeps.
    Atomics.wait(nap, 0, 0, 0.1);
    const own = Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
    const { user, system } = process.cpuUsage();
    return { cpuMs: (user + system) / 1e3 - own, ownMs: own };
  } catch {
    return { cpuMs: NaN, ownMs: NaN };
  }
}

/** Starts a watch; it tells what was spent since. */
export function stopwatch(): () => Cost {
  const [before, begin] = [spentMs(), performance.now()];
  return () => {
    const wallMs = performance.now() - begin;
    const now = spentMs();
    return { wallMs, cpuMs: now.cpuMs - before.cpuMs, ownMs: now.ownMs - before.ownMs };
  };
}

/** Compiles kernels one after the other on a device that has none yet; dearest first. */
export async function compileEach(
  gpu: Gpu,
  sources: readonly KernelSource[],
): Promise<(Cost & { readonly kernel: string; readonly lines: number })[]> {
  const session = new Session(gpu);
  const costs = [];
  for (const { name, source, constants } of sources) {
    const kernel = session.kernels.get(name, source, constants);
    if (kernel.pipeline.started) continue;
    const stop = stopwatch();
    await session.kernels.ready();
    costs.push({ kernel: kernel.key, lines: kernel.code.split('\n').length, ...stop() });
  }
  return costs.sort((a, b) => b.wallMs - a.wallMs);
}
