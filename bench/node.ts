/** The contests under Node: one Dawn instance, so that all sides get the same adapter and the same toggles. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'vite';
import { create, globals } from 'webgpu';
import { wgsl } from '../scripts/wgsl-plugin.ts';
import { waitCalmly } from '../src/cli/calm-waits.ts';
import { stopwatch } from '../src/cli/cold.ts';
import type { RunOptions } from './bench.ts';
import type { Row } from './contest.ts';
import { checkout, versionOf } from './revision.ts';

// Dawn aborts the process if this object is collected while a device is alive.
let instance: GPU;

export async function run({ toggles, revision, ...options }: RunOptions, show: (row: Row) => void): Promise<void> {
  Object.assign(globalThis, globals);
  // For all sides alike.
  waitCalmly();
  instance = create(toggles.length ? [`enable-dawn-features=${toggles.join(',')}`] : []) as GPU;
  Object.defineProperty(globalThis, 'navigator', { configurable: true, value: { userAgent: 'Node', gpu: instance } });
  addIteratorHelpers();
  // The peers look at the navigator when they are loaded.
  const { runContests } = await bundled<typeof import('./bench.ts')>('bench/bench.ts', '.cache/bench');
  const other = revision === undefined ? null : checkout(revision);
  try {
    await runContests(
      { gpu: instance, name: '', stopwatch, ...(other && { other: await versionOf(other, bundled) }) },
      options,
      show,
    );
  } finally {
    other?.remove();
  }
}

/** As the browser gets it, from a bundler: TensorFlow.js imports folders, which Node refuses. */
async function bundled<Module>(entry: string, folder: string): Promise<Module> {
  const outDir = resolve(folder);
  await build({
    configFile: false,
    publicDir: false,
    logLevel: 'error',
    plugins: [wgsl()],
    ssr: { noExternal: true },
    build: {
      ssr: entry,
      outDir,
      emptyOutDir: true,
      minify: false,
      rollupOptions: { output: { entryFileNames: 'bundle.js' } },
    },
  });
  return (await import(pathToFileURL(`${outDir}/bundle.js`).href)) as Module;
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
