/** The contests in headless Chromium: Vite serves the page as it is, Playwright opens it, rows come back by console. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from '@playwright/test';
import { createServer } from 'vite';
import { findChromium } from '../scripts/chromium.mjs';
import { wgsl } from '../scripts/wgsl-plugin.ts';
import type { RunOptions } from './bench.ts';
import type { Row } from './contest.ts';

const TIMEOUT_MS = 60 * 60_000;

export async function run({ toggles, ...options }: RunOptions, show: (row: Row) => void): Promise<void> {
  const executablePath = findChromium();
  if (!executablePath) throw new Error('No Chromium found; name one with CHROMIUM=path.');
  const server = await createServer({
    configFile: false,
    cacheDir: mkdtempSync(join(tmpdir(), 'groundwork-bench-')),
    logLevel: 'error',
    plugins: [wgsl()],
    optimizeDeps: {
      include: [
        '@jax-js/jax',
        '@tensorflow/tfjs-core',
        '@tensorflow/tfjs-core/dist/register_all_gradients.js',
        '@tensorflow/tfjs-backend-webgpu',
      ],
      noDiscovery: true,
    },
    server: { host: '127.0.0.1', port: 0, watch: null },
  });
  await server.listen();
  const browser = await chromium.launch({
    executablePath,
    args: [
      '--enable-unsafe-webgpu',
      '--use-webgpu-adapter=swiftshader',
      '--enable-features=Vulkan',
      `--enable-dawn-features=${['allow_unsafe_apis', ...toggles].join(',')}`,
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ],
  });
  try {
    const page = await browser.newPage();
    const finished = new Promise<void>((resolve, reject) => {
      setTimeout(() => reject(new Error('the page took too long')), TIMEOUT_MS).unref();
      page.on('pageerror', reject);
      page.on('console', (message) => {
        const text = message.text();
        if (text.startsWith('row ')) show(JSON.parse(text.slice(4)) as Row);
        else if (text === 'finished') resolve();
        else if (message.type() === 'error') console.error(text);
      });
    });
    const query = new URLSearchParams(Object.entries(options).map(([key, value]) => [key, String(value)]));
    await page.goto(`${server.resolvedUrls!.local[0]!}bench/page.html?${query}`);
    await finished;
  } finally {
    await browser.close();
    await server.close();
  }
}
