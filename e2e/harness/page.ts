/** What the specs of the pretended engine share: the browser they want, and the ways into the studio. */
import type { Page, test } from '@playwright/test';
import { chromiumPath } from '../../scripts/chromium.mjs';
import type { Harness } from './harness.ts';
import type { Served } from './serve.ts';

declare global {
  interface Window {
    harness: Harness;
  }
}

const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];

/** There is no WebGPU in here, and pictures drawn by a software Vulkan would only cost time. */
export const withoutGpu: Parameters<typeof test.use>[0] = {
  launchOptions: {
    ...chromiumPath(),
    args: ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', ...sandbox],
  },
};

export async function openHarness(page: Page, served: Served, query = '', hash = '/data'): Promise<void> {
  await page.goto(`${served.url}?${query}#${hash}`);
  await page.waitForFunction(() => window.harness !== undefined);
}

export const takeSample = (page: Page) =>
  page.evaluate(() => window.harness.studio.project.getState().startWithSample());

export const finishRun = (page: Page) =>
  page.evaluate(async () => {
    const { run, recipe } = window.harness.studio;
    const finished = new Promise<void>((done) => run.subscribe(({ state }) => state === 'finished' && done()));
    await run.getState().start('fake', recipe.getState().recipe);
    await finished;
  });
