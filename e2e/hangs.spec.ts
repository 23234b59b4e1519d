/** An engine that hangs, and a device that stops answering: both are told, and started anew nothing is lost. */
import { expect, test, type Page } from '@playwright/test';
import { sftStage } from '../src/engine/presets.ts';
import { engineOf, goTo, runState, takePlan } from './harness/ways.ts';

const plan = {
  name: 'A few steps',
  seed: 3,
  stages: [sftStage({ maxSteps: 6, perDeviceTrainBatchSize: 1, lora: { ...sftStage().lora, r: 4, loraAlpha: 8 } })],
};

async function startRun(page: Page) {
  await page.addInitScript(() =>
    localStorage.setItem('groundwork.keep', '{"everySteps":1,"everyMinutes":1,"keepLast":2}'),
  );
  await page.goto('/');
  await page
    .getByRole('button', { name: /sample/i })
    .first()
    .click();
  await expect(page.getByRole('option', { selected: true })).toBeVisible({ timeout: 180_000 });
  await goTo(page, 'Model');
  await page.getByRole('button', { name: 'Load the starter' }).click();
  await page.getByRole('region', { name: 'Loaded model' }).waitFor({ timeout: 180_000 });
  await goTo(page, 'Recipe');
  await takePlan(page, plan);
  await page.getByRole('button', { name: 'Start the run' }).click();
  await goTo(page, 'Run');
}

const HANGS = {
  'an engine that hangs': {
    hang: (page: Page) =>
      engineOf(page).evaluate(
        () =>
          void setTimeout(() => {
            for (;;);
          }, 100),
      ),
    told: 'The engine has not answered for 10 seconds.',
  },
  'a device that stops answering': {
    hang: (page: Page) =>
      engineOf(page).evaluate(() => {
        GPUBuffer.prototype.mapAsync = () => new Promise(() => undefined);
      }),
    told: 'The graphics device has finished nothing for 10 seconds.',
  },
};

for (const [who, { hang, told }] of Object.entries(HANGS))
  test(`${who} is told, and the run goes on after it was started anew`, async ({ page }) => {
    await startRun(page);
    await expect(page.getByRole('region', { name: 'Stages' })).toContainText(/[1-5]\s*(\/|of)\s*6/, {
      timeout: 300_000,
    });
    await hang(page);
    await expect(page.getByText(told)).toBeVisible({ timeout: 60_000 });
    await page.getByRole('button', { name: 'Restart the engine' }).click();
    await expect(page.getByText(told)).toHaveCount(0);
    await expect(page.getByText(/The run resumes after step \d/).first()).toBeVisible({ timeout: 300_000 });
    await expect(runState(page)).toHaveText(/^Finished/, { timeout: 300_000 });
  });
