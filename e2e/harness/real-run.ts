/**
 * Pictures of a real run, starter model and sample, in the product as `npm start` serves it, into screenshots/ (not
 * kept): `npx tsx e2e/harness/real-run.ts`. The README's picture is one of them.
 */
import { mkdirSync } from 'node:fs';
import { grpoStage, mergeStage, rejectionStage, sftStage } from '../../src/engine/presets.ts';
import { openProduct } from './product.ts';

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

mkdirSync('screenshots', { recursive: true });
const product = await openProduct(4541);
const { page, room } = product;
const shoot = async (name: string) => {
  await page.mouse.move(0, 0);
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.waitForTimeout(700);
    await page.screenshot({ path: `screenshots/real-${name}-${colorScheme}.png` });
  }
};
try {
  await product.addSample();
  await shoot('data');
  await product.loadStarter();
  await shoot('model');
  await product.choosePlan(plan);
  await product.start();
  await page.getByRole('tab', { name: /^Groups \([6-9]|1\d\)/ }).waitFor({ timeout: 1_500_000 });
  await page.getByRole('tab', { name: /^Groups/ }).click();
  await page.waitForTimeout(2000);
  await shoot('run');
  const state = page.getByRole('region', { name: 'Stages' }).getByRole('status');
  await state.filter({ hasText: /^(Finished|Failed)/ }).waitFor({ timeout: 1_500_000 });
  await shoot('finished');
  await room('Inspect');
  await page.getByRole('button', { name: 'Answer with both' }).click();
  const answered = page.getByRole('region', { name: /answer$/ }).filter({ hasText: 'IoU' });
  await answered.nth(1).waitFor({ timeout: 120_000 });
  await shoot('inspect');
  await room('Export');
  await page.waitForTimeout(3000);
  await shoot('export');
} finally {
  await product.close();
}
