import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { wgsl } from './scripts/wgsl-plugin.ts';

/** Folders of tests that need a GPU device (Dawn under Node on a software driver). */
const gpuFolders = 'tests/{gpu,ops,nn,models,train-gpu,engine}';

/** One process a file, one at a time: a driver that crashes takes only its own file with it, and two cores suffice. */
const onDevice: TestProjectInlineConfiguration['test'] = {
  pool: 'forks',
  maxWorkers: 1,
  setupFiles: ['scripts/vitest-gpu-setup.ts'],
  testTimeout: 300_000,
  hookTimeout: 300_000,
};

export default defineConfig({
  plugins: [wgsl()],
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['tests/**/*.test.{ts,tsx}'],
          exclude: [`${gpuFolders}/**`],
          testTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'kernels',
          include: [`${gpuFolders}/**/*.test.ts`],
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
          include: ['tests/{gpu,ops}/**/*.test.ts', 'tests/train-gpu/vision-runner.test.ts'],
          // On the emulator alone: no driver is asked.
          exclude: ['tests/gpu/attention-reach.test.ts'],
          env: { GROUNDWORK_ADAPTER: 'swiftshader' },
          ...onDevice,
        },
      },
    ],
  },
});
