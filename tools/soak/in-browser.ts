/** A long run in Chromium: what its page, its worker, its device and its private files hold on to. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { watchHeaps } from '../../e2e/harness/heap.ts';
import { launchChromium } from '../torture/browser/chromium.ts';
import type { Torture } from '../torture/browser/faults.ts';
import { EngineSite } from '../torture/browser/site.ts';
import { KEEP, writeSmallest, type Soak } from './soaked.ts';

/** From one look at the run's step to the next. */
const LOOK_MS = 200;

export const soakInBrowser: Soak = async (recipe, every) => {
  const profile = await mkdtemp(join(tmpdir(), 'groundwork-soak-'));
  const site = await EngineSite.open(writeSmallest);
  const chromium = await launchChromium(profile);
  try {
    const page = await chromium.context.newPage();
    await page.goto(site.url);
    const heaps = await watchHeaps(page);
    await page.evaluate((shown) => window.torture.open(shown), site.shown);
    const worker = page.workers()[0]!;
    const begun = performance.now();
    let ended = false;
    const living = page
      .evaluate(([plan, keep]) => window.torture.live(plan, keep), [recipe, KEEP] as const)
      .finally(() => (ended = true));
    living.catch(() => undefined);
    const measured: Record<string, number>[] = [];
    let [done, next] = [0, every];
    while (!ended) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      done = await page.evaluate(() => window.torture.step);
      if (done < next) continue;
      next = done + every;
      const { page: pageHeap, workers: workerHeap } = await heaps();
      const { gpuBytes } = await worker.evaluate(() => (globalThis as unknown as { torture: Torture }).torture.tally());
      const { files } = await page.evaluate(() => window.torture.stored());
      measured.push({ pageHeap, workerHeap, gpu: gpuBytes, files });
    }
    await living;
    done = await page.evaluate(() => window.torture.step);
    const failures = await page.evaluate(() => window.torture.failures);
    return { done, minutes: (performance.now() - begun) / 60_000, measured, failures, logBytes: null };
  } finally {
    await chromium.close();
    await site.close();
    await rm(profile, { recursive: true, force: true });
  }
};
