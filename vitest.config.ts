import { availableParallelism } from 'node:os';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { wgsl } from './scripts/wgsl-plugin.ts';

/** Tests that open a GPU device (Dawn under Node on a software driver), wherever they lie. */
const onGpu = 'tests/**/*.gpu.test.ts';

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
    // Long enough on a machine that is busy with other things; who waits for what never comes waits longer.
    expect: { poll: { timeout: 60_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          maxWorkers: '100%',
          include: ['tests/**/*.test.{ts,tsx}'],
          exclude: [onGpu],
          // No driver answers: a test that opens a device belongs to the lane that says so in its name.
          env: { VK_DRIVER_FILES: 'none', VK_ICD_FILENAMES: 'none' },
          testTimeout: 300_000,
        },
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
