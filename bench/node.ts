/** The contests under Node: one Dawn instance, so that all sides get the same adapter and the same toggles. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'vite';
import { create, globals } from 'webgpu';
import { wgsl } from '../scripts/wgsl-plugin.ts';
import type { RunOptions } from './bench.ts';
import type { Row } from './contest.ts';

// Dawn aborts the process if this object is collected while a device is alive.
let instance: GPU;

export async function run({ toggles, ...options }: RunOptions, show: (row: Row) => void): Promise<void> {
  Object.assign(globalThis, globals);
  instance = create(toggles.length ? [`enable-dawn-features=${toggles.join(',')}`] : []) as GPU;
  Object.defineProperty(globalThis, 'navigator', { configurable: true, value: { userAgent: 'Node', gpu: instance } });
  addIteratorHelpers();
  // The peers look at the navigator when they are loaded.
  const { runContests } = await bundled();
  await runContests(instance, '', options, show);
}

/** As the browser gets it, from a bundler: TensorFlow.js imports folders, which Node refuses. */
async function bundled(): Promise<typeof import('./bench.ts')> {
  const outDir = resolve('.cache/bench');
  await build({
    configFile: false,
    publicDir: false,
    logLevel: 'error',
    plugins: [wgsl()],
    ssr: { noExternal: true },
    build: { ssr: 'bench/bench.ts', outDir, emptyOutDir: true, minify: false },
  });
  return (await import(pathToFileURL(`${outDir}/bench.js`).href)) as typeof import('./bench.ts');
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
