/** Small things that a day's work stands on: where the focus is, in which numbers boxes are shown, what a narrow window cuts. */
import { expect, test, type Page } from '@playwright/test';
import { mergeStage, sftStage } from '../src/engine/presets.ts';
import { faults, photograph } from './harness/look.ts';
import { madeZip } from './harness/made-dataset.ts';
import { goTo, runState, takePlan } from './harness/ways.ts';

const ROOMS = ['Data', 'Model', 'Recipe', 'Run', 'Inspect', 'Try', 'Export'];
async function openZip(page: Page): Promise<void> {
  const buffer = Buffer.from(await madeZip({ rows: 8, ambiguous: false, faults: false }));
  await page
    .locator('input[data-pick="file"]')
    .first()
    .setInputFiles({ name: 'my set.zip', mimeType: 'application/zip', buffer });
  await expect(page.getByText('my set.zip, read as')).toBeVisible({ timeout: 60_000 });
}

async function choosePlan(page: Page, stages: readonly unknown[]): Promise<void> {
  await goTo(page, 'Recipe');
  await takePlan(page, { name: 'Chosen', seed: 1, stages });
}

test('the focus stays where the work is: after loading, and after the start of a run', async ({ page }) => {
  test.setTimeout(900_000);
  await page.goto('/#/data');
  await openZip(page);
  await goTo(page, 'Model');
  // Without a model the room begins with the ways to load one.
  await expect(page.locator('.room-model section').first()).toContainText('Load a model');
  const load = page.getByRole('button', { name: 'Load the starter' });
  await load.focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('region', { name: 'Loaded model' })).toBeVisible({ timeout: 300_000 });
  await expect(load).toBeFocused();
  await choosePlan(page, [sftStage({ maxSteps: 200, perDeviceTrainBatchSize: 1 })]);
  const start = page.getByRole('button', { name: 'Start the run' });
  await start.focus();
  await page.keyboard.press('Enter');
  const heading = page.getByRole('heading', { name: 'Run', level: 1 });
  await expect(heading).toBeFocused({ timeout: 60_000 });
  // While nothing moves yet, it says what it prepares.
  await expect(page.getByRole('progressbar', { name: /Supervised/ })).toHaveAttribute(
    'aria-valuetext',
    /compiling, \d+ of \d+ kernels|encoding, \d+ of \d+ rows|reading pictures, \d+ of \d+|preparing|first step/,
  );
  await page.getByRole('button', { name: 'Stop and keep' }).first().click();
  const state = runState(page);
  await expect(state).toHaveText(/^Stopped\. What was learned is kept/, { timeout: 600_000 });
  await expect(page.getByRole('navigation', { name: 'Rooms' }).getByRole('link', { name: /^Run/ })).toContainText(
    'Stopped',
  );
});

test('the focus goes to the heading when the button that was pressed goes away', async ({ page }) => {
  await page.goto('/#/data');
  const start = page.getByRole('button', { name: 'Start with the sample' });
  await start.focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Data', level: 1 })).toBeFocused({ timeout: 60_000 });
});

test('boxes are shown in fractions, in the numbers of the file and in those of the model', async ({ page }) => {
  test.setTimeout(300_000);
  await page.goto('/#/data');
  await openZip(page);
  const boxes = page.getByRole('list', { name: 'Boxes of the solution' });
  await expect(boxes).toContainText(/image \d, 0\.\d{3} 0\.\d{3} 0\.\d{3} 0\.\d{3}/);
  await page.getByText('As in the file', { exact: true }).click();
  // Four digits are the file's own.
  await expect(boxes).toContainText(/image \d, 0\.\d{3,4} 0\.\d{3,4} 0\.\d{3,4} 0\.\d{3,4}$/);
  await page.getByText('As the model', { exact: true }).click();
  await expect(page.getByText('Load a model to see the numbers that it writes.')).toBeVisible();
  await goTo(page, 'Model');
  await page.getByRole('button', { name: 'Load the starter' }).click();
  await expect(page.getByRole('region', { name: 'Loaded model' })).toBeVisible({ timeout: 200_000 });
  await goTo(page, 'Data');
  await expect(boxes).toContainText(/image \d, \d+ \d+ \d+ \d+$/);
  await page.reload();
  await openZip(page);
  await expect(page.getByRole('radio', { name: 'As the model' })).toBeChecked();
});

test('a recipe of 5,000 stages is refused in words, and one of 200 opens', async ({ page }) => {
  await page.goto('/#/data');
  await choosePlan(page, new Array(5000).fill(mergeStage()));
  const alert = page.getByRole('alert');
  await expect(alert).toContainText('stages is a list of 5000; allowed is at most 200 stages.');
  await expect(alert).toContainText('Your recipe was not changed.');
  await choosePlan(page, new Array(200).fill(mergeStage()));
  await expect(page.getByRole('textbox', { name: 'Name', exact: true })).toHaveValue('Chosen');
  // What the alert was about has succeeded.
  await expect(alert).toHaveCount(0);
});

test('at 600 pixels nothing is cut off, in any room', async ({ page }) => {
  await page.setViewportSize({ width: 600, height: 900 });
  await page.goto('/#/data');
  await openZip(page);
  for (const name of ROOMS) {
    await goTo(page, name);
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    const cut = await page.evaluate(() => {
      const found: string[] = [];
      const scrolls = (element: Element): boolean => {
        for (let at: Element | null = element; at; at = at.parentElement)
          if (
            ['auto', 'scroll'].includes(getComputedStyle(at).overflowX) &&
            at.scrollWidth > at.clientWidth &&
            at.id !== 'main'
          )
            return true;
        return false;
      };
      for (const element of document.querySelectorAll('button, a, input, select, h1, h2, h3, p, label, td, th')) {
        const { left, right, width } = element.getBoundingClientRect();
        if (width <= 1 || !element.checkVisibility({ visibilityProperty: true })) continue;
        if ((left < -1 || right > innerWidth + 1) && !scrolls(element))
          found.push(`${element.tagName} ${(element.textContent ?? '').trim().slice(0, 40)}: ${left} to ${right}`);
      }
      if (document.documentElement.scrollWidth > innerWidth) found.push('the page scrolls sideways');
      return found;
    });
    expect(cut, name).toEqual([]);
    await photograph(page, `narrow-${name}`);
    expect(await faults(page), name).toEqual([]);
  }
});
