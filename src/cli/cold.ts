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
  readonly cpuMs: number;
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

/** Processor milliseconds of all threads so far, those that have ended included, but this one; NaN but on Linux. */
function driverCpuMs(): number {
  try {
    // The scheduler writes down what a thread has used when that thread sleeps.
    Atomics.wait(nap, 0, 0, 0.1);
    const own = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8');
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e3 - Number(own.split(' ')[0]) / 1e6;
  } catch {
    return NaN;
  }
}

/** Starts a watch; it tells what was spent since. */
export function stopwatch(): () => Cost {
  const [cpu, begin] = [driverCpuMs(), performance.now()];
  return () => ({ wallMs: performance.now() - begin, cpuMs: driverCpuMs() - cpu });
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
