import { availableParallelism } from 'node:os';
import { defineConfig, devices } from '@playwright/test';
import { chromiumPath } from './scripts/chromium.mjs';

const port = Number(process.env.GROUNDWORK_E2E_PORT ?? 4517);

/** WebGPU on SwiftShader: the same adapter on every machine. */
const webgpu = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan'];
/** A browser that keeps to itself. Root may not use Chromium's own sandbox. */
const quiet = [
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
/** Dawn's safety nets cost most of the time on a software driver; specs tagged @as-shipped run with them. */
const fast = ['--enable-dawn-features=allow_unsafe_apis,disable_workgroup_init,disable_robustness'];

const chromium = (args: readonly string[]) => ({
  ...devices['Desktop Chrome'],
  launchOptions: { ...chromiumPath(), args: [...webgpu, ...quiet, ...sandbox, ...args] },
});

export default defineConfig({
  testDir: 'e2e',
  outputDir: 'test-results',
  forbidOnly: Boolean(process.env.CI),
  retries: 0,
  // While one story compiles kernels, on one thread, or waits for its page, another computes.
  workers: Math.min(2, availableParallelism()),
  // Long enough on a machine that is busy with other things.
  timeout: 600_000,
  expect: { timeout: 60_000 },
  reporter: 'list',
  use: {
    baseURL: `http://127.0.0.1:${port}/`,
    viewport: { width: 1280, height: 800 },
    // A trace photographs the page at every step, which takes longer than most stories themselves.
    trace: process.env.GROUNDWORK_TRACE ? 'retain-on-failure' : 'off',
    screenshot: 'only-on-failure',
    // A dot that breathes is painted on the processor that everything else computes on.
    contextOptions: { reducedMotion: 'reduce' },
  },
  projects: [
    { name: 'studio', use: chromium(fast), grepInvert: /@as-shipped/ },
    { name: 'as-shipped', use: chromium([]), grep: /@as-shipped/ },
  ],
  webServer: {
    // The very command that users have; `npm test` has built already.
    command: `node scripts/start.mjs --no-open --port ${port}${process.env.GROUNDWORK_BUILT ? ' --no-build' : ''}`,
    url: `http://127.0.0.1:${port}/`,
    reuseExistingServer: false,
    timeout: 120_000,
  },
});
