/** The product as `npm start` serves it, driven as a user would, for the scripts that measure and photograph it. */
import { spawn } from 'node:child_process';
import { chromium, type Browser, type Page } from '@playwright/test';
import config from '../../playwright.config.ts';
import type { Recipe } from '../../src/train/recipe.ts';
import { goTo, takePlan } from './ways.ts';

export interface Product {
  readonly browser: Browser;
  readonly page: Page;
  room(name: string): Promise<void>;
  /** The sample dataset, as its button adds it. */
  addSample(): Promise<void>;
  loadStarter(): Promise<void>;
  /** Takes a plan from a file into the recipe; `start` then runs it. */
  choosePlan(plan: Recipe): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

export async function openProduct(port: number, flags: readonly string[] = []): Promise<Product> {
  const args = ['scripts/start.mjs', '--no-open', '--port', String(port)];
  const served = spawn(process.execPath, args, { stdio: 'ignore' });
  const options = config.projects![0]!.use!.launchOptions!;
  const browser = await chromium.launch({ ...options, args: [...(options.args ?? []), ...flags] });
  const page = await browser.newPage({ viewport: { width: 1440, height: 960 } });
  const close = async () => {
    await browser.close();
    served.kill();
  };
  try {
    await answers(page, port);
  } catch (error) {
    await close();
    throw error;
  }
  const room = (name: string) => goTo(page, name);
  return {
    browser,
    page,
    room,
    close,
    addSample: async () => {
      await page
        .getByRole('button', { name: /sample/i })
        .first()
        .click();
      await page.getByRole('option', { selected: true }).waitFor({ timeout: 60_000 });
    },
    loadStarter: async () => {
      await room('Model');
      const load = page.getByRole('button', { name: 'Load the starter' });
      if (await load.isVisible()) await load.click();
      await page.getByRole('region', { name: 'Loaded model' }).waitFor({ timeout: 120_000 });
    },
    choosePlan: async (plan) => {
      await room('Recipe');
      await takePlan(page, plan);
    },
    start: () => page.getByRole('button', { name: 'Start the run' }).click(),
  };
}

/** The server builds first: asks until it answers. */
async function answers(page: Page, port: number): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await page.goto(`http://127.0.0.1:${port}/`);
      return;
    } catch (error) {
      if (tries === 120) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}
