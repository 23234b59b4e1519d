/** The contests under Node: one Dawn instance, so both sides get the same adapter and the same toggles. */
import { create, globals } from 'webgpu';
import { openGpu } from '../src/gpu/device.ts';
import { Session } from '../src/gpu/recorder.ts';
import { race, type Row } from './contest.ts';

export interface RunOptions {
  readonly only: string;
  readonly rounds: number;
  readonly toggles: readonly string[];
}

// Dawn aborts the process if this object is collected while a device is alive.
let instance: GPU;

export async function runContests({ only, rounds, toggles }: RunOptions, show: (row: Row) => void): Promise<void> {
  Object.assign(globalThis, globals);
  instance = create(toggles.length ? [`enable-dawn-features=${toggles.join(',')}`] : []) as GPU;
  Object.defineProperty(globalThis, 'navigator', { configurable: true, value: { userAgent: 'Node', gpu: instance } });
  addIteratorHelpers();
  const { contests, openPeer } = await import('./contests.ts');
  await openPeer();
  const gpu = await openGpu(instance, { onError: console.error });
  const session = new Session(gpu);
  for (const contest of contests({ session, f16: gpu.features.f16 }))
    if (new RegExp(only).test(contest.name)) show(await race(contest, gpu.name, rounds));
}

/** jax-js maps over iterators, which Node has from version 22 on. */
function addIteratorHelpers(): void {
  const prototype = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())) as Record<string, unknown>;
  for (const method of ['map', 'filter', 'every', 'some', 'find', 'forEach', 'reduce', 'toArray'] as const) {
    prototype[method] ??= function (this: Iterable<unknown>, ...args: unknown[]) {
      const items = [...this];
      if (method === 'toArray') return items;
      const result = (items[method] as (...a: unknown[]) => unknown)(...args);
      return Array.isArray(result) ? result[Symbol.iterator]() : result;
    };
  }
}
