import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { wgsl } from './scripts/wgsl-plugin.ts';

/** Tests that open a GPU device (Dawn under Node on a software driver), wherever they lie. */
const onGpu = 'tests/**/*.gpu.test.ts';

/**
 * What a test does that another file in the same process would see (mocks, globals, registered parts, states, flags of
 * the engine), and what others would spoil (processor time and memory, measured).
 */
const ALONE =
  /\bvi\.|globalThis|process\.(?:argv|env|chdir|on)\b|fake-indexeddb|\bregister[A-Z]\w*\(|commandOf|calm-waits|race-check|cpuUsage|tools\/fuzz/;

/** Test files that share a process and its modules with others: loading the modules takes longer than the tests. */
const shared = readdirSync('tests', { recursive: true, encoding: 'utf8' })
  .map((name) => join('tests', name))
  .filter((file) => /(?<!\.gpu)\.test\.tsx?$/.test(file) && !ALONE.test(readFileSync(file, 'utf8')));

/** Tests that open no device. No driver answers: one that does belongs to the lane that says so in its name. */
const offDevice: TestProjectInlineConfiguration['test'] = {
  maxWorkers: '100%',
  env: { VK_DRIVER_FILES: 'none', VK_ICD_FILENAMES: 'none' },
  testTimeout: 300_000,
};

/**
 * One process a file: a driver that crashes takes only its own file with it. Two at a time: while one compiles a kernel,
 * on one thread, the other computes.
 */
const onDevice: TestProjectInlineConfiguration['test'] = {
  pool: 'forks',
  maxWorkers: Math.min(2, availableParallelism()),
  setupFiles: ['scripts/vitest-gpu-setup.ts'],
  testTimeout: 300_000,
  hookTimeout: 300_000,
};

export default defineConfig({
  plugins: [wgsl()],
  test: {
    // What is compiled for one lane, or was before, is not compiled again; files are known by what is in them.
    experimental: { fsModuleCache: true },
    // Long enough on a machine that is busy with other things; who waits for what never comes waits longer.
    expect: { poll: { timeout: 60_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['tests/**/*.test.{ts,tsx}'],
          exclude: [onGpu, ...shared],
          ...offDevice,
        },
      },
      {
        extends: true,
        test: { name: 'unit-shared', include: shared, isolate: false, ...offDevice },
      },
      {
        extends: true,
        test: {
          name: 'kernels',
          include: [onGpu],
          env: {
            GROUNDWORK_ADAPTER:
              process.env.GROUNDWORK_ADAPTER || (process.platform === 'linux' ? 'lavapipe' : 'default'),
          },
          ...onDevice,
        },
      },
      {
        // Every op again on the other software driver: other subgroup size, no f16, another compiler.
        extends: true,
        test: {
          name: 'kernels-swiftshader',
          include: ['tests/{gpu,ops}/**/*.gpu.test.ts', 'tests/train/vision-runner.gpu.test.ts'],
          env: { GROUNDWORK_ADAPTER: 'swiftshader' },
          ...onDevice,
        },
      },
    ],
  },
});
