/** Projects hold what is meant to be in them, say on which data their runs stand, and runs are found again. */
import { expect, test, type Page } from '@playwright/test';
import { sftStage } from '../src/engine/presets.ts';
import type { Recipe } from '../src/engine/protocol/index.ts';
import { look } from './harness/look.ts';
import { madeZip } from './harness/made-dataset.ts';
import { goTo, runState, takePlan } from './harness/ways.ts';

const plan: Recipe = {
  name: 'One step',
  seed: 5,
  stages: [sftStage({ maxSteps: 1, perDeviceTrainBatchSize: 1, lora: { ...sftStage().lora, r: 4, loraAlpha: 8 } })],
};

const projects = (page: Page) => page.getByRole('link', { name: /^Projects/ });

async function drop(page: Page, name: string, rows = 6): Promise<void> {
  const buffer = Buffer.from(await madeZip({ rows, ambiguous: false, faults: false }));
  await page.locator('input[data-pick="file"]').first().setInputFiles({ name, mimeType: 'application/zip', buffer });
}

test('a project is named after what it holds, and another dataset asks whether a new one is meant', async ({
  page,
}) => {
  await page.goto('/#/data');
  await drop(page, 'wrong.zip');
  await expect(page.getByText('wrong.zip, read as')).toBeVisible({ timeout: 60_000 });
  await expect(projects(page)).toContainText('wrong');
  await drop(page, 'my scenes.zip');
  const question = page.getByRole('dialog', { name: 'Where should “my scenes.zip” be opened?' });
  await expect(question).toContainText('The project “wrong” holds the dataset “wrong.zip”');
  await look(page, 'question');
  await page.keyboard.press('Escape');
  await expect(question).toBeHidden();
  await expect(page.getByText('wrong.zip, read as')).toBeVisible();

  await drop(page, 'my scenes.zip');
  await question.getByRole('button', { name: 'Open it in “wrong”' }).click();
  await expect(page.getByText('my scenes.zip, read as')).toBeVisible({ timeout: 60_000 });
  await expect(projects(page)).toContainText('my scenes');
  // The same files again are no other dataset.
  await drop(page, 'my scenes.zip');
  await expect(page.getByText('my scenes.zip, read as')).toBeVisible({ timeout: 60_000 });

  await projects(page).click();
  const name = page.getByRole('textbox', { name: 'Name of the open project' });
  await name.fill('Streets');
  await name.press('Enter');
  await expect(projects(page)).toContainText('Streets');
  await goTo(page, 'Data');
  await drop(page, 'other.zip');
  await page.getByRole('button', { name: 'Begin a new project' }).click();
  await expect(page.getByText('other.zip, read as')).toBeVisible({ timeout: 60_000 });
  await expect(projects(page)).toContainText('other');
  await projects(page).click();
  await expect(page.getByRole('row', { name: /^Streets my scenes.zip/ })).toBeVisible();
  // A name that a person gave stays, whatever is opened.
  await page.getByRole('button', { name: 'Open Streets' }).click();
  await drop(page, 'third.zip');
  await page.getByRole('button', { name: 'Open it in “Streets”' }).click();
  await expect(page.getByText('third.zip, read as')).toBeVisible({ timeout: 60_000 });
  await expect(projects(page)).toContainText('Streets');
});

test('a run says on which data it stands, and is named, tagged, pinned, put away and found again', async ({ page }) => {
  test.setTimeout(1_800_000);
  await page.goto('/#/data');
  await drop(page, 'my scenes.zip', 8);
  await expect(page.getByText('my scenes.zip, read as')).toBeVisible({ timeout: 60_000 });
  await goTo(page, 'Model');
  await page.getByRole('button', { name: 'Load the starter' }).click();
  await expect(page.getByRole('region', { name: 'Loaded model' })).toBeVisible({ timeout: 300_000 });
  await goTo(page, 'Recipe');
  await takePlan(page, plan);
  await page.getByRole('button', { name: 'Start the run' }).click();
  const state = runState(page);
  await expect(page.getByText(/One step, on my scenes\.zip, \d+ training and \d+ held-out rows/)).toBeVisible({
    timeout: 60_000,
  });
  await expect(state).toHaveText(/^Finished/, { timeout: 900_000 });
  await goTo(page, 'Recipe');
  await page.getByRole('button', { name: 'Start the run' }).click();
  await expect(state).toHaveText(/^Finished/, { timeout: 900_000 });

  await projects(page).click();
  const runs = page.getByRole('region', { name: 'Runs of this project' });
  await expect(runs.getByRole('row')).toHaveCount(3);
  await expect(runs.getByRole('row').nth(1)).toContainText(/my scenes\.zip, \d+ training and \d+ held-out rows/);
  const older = runs.getByRole('row').nth(2);
  await older.getByRole('button', { name: /^Name and notes/ }).click();
  await page.keyboard.type('Low rate');
  await page.keyboard.press('Tab');
  await page.keyboard.type('paper, r 4');
  await page.keyboard.press('Tab');
  await page.keyboard.type('the curve dips at the end');
  await look(page, 'describe');
  await runs.getByRole('button', { name: 'Save' }).click();
  await expect(older).toContainText('Low rate');
  await older.getByRole('button', { name: /^Pin/ }).click();
  const first = runs.getByRole('row').nth(1);
  await expect(first).toContainText('Low rate pinned');

  await page.reload();
  await projects(page).click();
  await expect(first).toContainText(/Low rate pinned\s*paper\s*r 4/);
  await expect(first).toContainText('the curve dips at the end');
  await runs
    .getByRole('row')
    .nth(2)
    .getByRole('button', { name: /^Archive/ })
    .click();
  await expect(runs.getByRole('row')).toHaveCount(2);
  await runs.getByRole('checkbox', { name: 'Show 1 archived' }).check();
  await expect(runs.getByRole('row')).toHaveCount(3);
  await runs.getByRole('searchbox', { name: 'Search runs' }).fill('DIPS paper');
  await expect(runs.getByRole('row')).toHaveCount(2);
  await expect(runs.getByRole('status')).toHaveText('1 of 2 runs');
  await look(page, 'runs');
  await runs.getByRole('searchbox', { name: 'Search runs' }).fill('nothing such');
  await expect(runs).toContainText('No run has these words');
});
