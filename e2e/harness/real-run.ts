/**
 * Pictures of a real run, starter model and sample, in the product as `npm start` serves it, into screenshots/ (not
 * kept): `npx tsx e2e/harness/real-run.ts`. The README's picture is one of them.
 */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { chromium, type Page } from '@playwright/test';
import config from '../../playwright.config.ts';
import { grpoStage, mergeStage, rejectionStage, sftStage } from '../../src/engine/presets.ts';

const port = 4541;
const plan = {
  name: 'A short run',
  seed: 3,
  stages: [
    sftStage({ name: 'Cold start', maxSteps: 20, perDeviceTrainBatchSize: 4 }),
    mergeStage(),
    rejectionStage({ limit: 12, batchSize: 4 }),
    grpoStage({ maxSteps: 12, promptsPerStep: 2 }),
  ],
};

const served = spawn(process.execPath, ['scripts/start.mjs', '--no-open', '--port', String(port)], { stdio: 'ignore' });
mkdirSync('screenshots', { recursive: true });
const browser = await chromium.launch(config.projects![0]!.use!.launchOptions!);
try {
  const page = await browser.newPage({ viewport: { width: 1440, height: 960 } });
  await open(page);
  const room = (name: string) =>
    page
      .getByRole('navigation', { name: 'Rooms' })
      .getByRole('link', { name: new RegExp(`^${name}`) })
      .click();
  const shoot = async (name: string) => {
    await page.mouse.move(0, 0);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await page.waitForTimeout(700);
      await page.screenshot({ path: `screenshots/real-${name}-${colorScheme}.png` });
    }
  };

  await page
    .getByRole('button', { name: /sample/i })
    .first()
    .click();
  await page.getByRole('option', { selected: true }).waitFor({ timeout: 60_000 });
  await shoot('data');
  await room('Model');
  const load = page.getByRole('button', { name: 'Load the starter' });
  if (await load.isVisible()) await load.click();
  await page.getByRole('region', { name: 'Loaded model' }).waitFor({ timeout: 120_000 });
  await shoot('model');
  await room('Recipe');
  await page.getByRole('tab', { name: 'Plan as a file' }).click();
  await page.locator('input[data-pick="plan"]').setInputFiles({
    name: 'run.json',
    mimeType: 'application/json',
    buffer: Buffer.from(JSON.stringify(plan)),
  });
  await page.getByRole('button', { name: 'Start the run' }).click();
  await page.getByRole('tab', { name: /^Groups \([6-9]|1\d\)/ }).waitFor({ timeout: 1_500_000 });
  await page.getByRole('tab', { name: /^Groups/ }).click();
  await page.waitForTimeout(2000);
  await shoot('run');
  const state = page.getByRole('region', { name: 'Stages' }).getByRole('status');
  await state.filter({ hasText: /^(Finished|Failed)/ }).waitFor({ timeout: 1_500_000 });
  await shoot('finished');
  for (const name of ['Inspect', 'Export']) {
    await room(name);
    await page.waitForTimeout(3000);
    await shoot(name.toLowerCase());
  }
} finally {
  await browser.close();
  served.kill();
}

/** The server builds first: ask until it answers. */
async function open(page: Page): Promise<void> {
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
