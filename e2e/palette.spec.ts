/** Everything is a few letters away: the command palette, and the sheet of keys. */
import { expect, test, type Page } from '@playwright/test';
import { look } from './harness/look.ts';
import { madeZip } from './harness/made-dataset.ts';
import { goTo } from './harness/ways.ts';

const palette = (page: Page) => page.getByRole('dialog', { name: 'Commands' });
const sheet = (page: Page) => page.getByRole('dialog', { name: 'Keys' });

test('Ctrl+K finds every room by its name and by what is in it, and does what can be done now', async ({ page }) => {
  await page.goto('/#/data');
  const rooms = await page.getByRole('navigation', { name: 'Rooms' }).locator('.rail-name').allTextContents();
  expect(rooms.length).toBeGreaterThan(6);
  for (const name of rooms) {
    await page.keyboard.press('Control+k');
    await expect(palette(page).getByRole('combobox', { name: 'Command' })).toBeFocused();
    await page.keyboard.type(`go ${name}`);
    await page.keyboard.press('Enter');
    await expect(palette(page)).toBeHidden();
    await expect(page.getByRole('heading', { name, level: 1 })).toBeVisible();
  }
  await page.keyboard.press('Control+k');
  await page.keyboard.type('dataset');
  await expect(palette(page).getByRole('option', { name: 'Go to Data' })).toBeVisible();
  await look(page, 'palette');
  await page.keyboard.press('Escape');
  await expect(palette(page)).toBeHidden();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('nothing such');
  await expect(palette(page).getByRole('status')).toContainText('No command has these words');
  await page.keyboard.press('Escape');

  await page.keyboard.press('Control+k');
  await page.keyboard.press('End');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('ArrowUp');
  await expect(palette(page).getByRole('option', { selected: true })).toHaveText('Dark theme');
  await page.keyboard.press('Enter');
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  // Also the ground, whatever the system prefers.
  await expect(page.locator('html')).toHaveCSS('background-color', 'rgb(23, 25, 26)');
  await page.keyboard.press('Control+k');
  await page.keyboard.type('start sample');
  await page.keyboard.press('Enter');
  await expect(page.getByText('Sample dataset, read as')).toBeVisible({ timeout: 120_000 });
});

test('a question mark shows the keys, but not where a question is typed', async ({ page }) => {
  await page.goto('/#/recipe');
  const name = page.getByRole('textbox', { name: 'Name', exact: true });
  await name.press('End');
  await page.keyboard.type('?');
  await expect(name).toHaveValue(/\?$/);
  await expect(sheet(page)).toBeHidden();
  await name.blur();
  await page.keyboard.press('?');
  await expect(sheet(page)).toContainText('Move its lower right corner');
  await look(page, 'keys');
  await page.keyboard.press('Escape');
  await expect(sheet(page)).toBeHidden();
  await page.keyboard.press('Control+k');
  await expect(palette(page)).toBeVisible();
  await page.keyboard.type('keyboard');
  await page.keyboard.press('Enter');
  await expect(sheet(page)).toBeVisible();
});

test('a project goes out as one file with its pictures, and comes back from it where it was deleted', async ({
  page,
}) => {
  await page.addInitScript(() => void Reflect.deleteProperty(window, 'showSaveFilePicker'));
  await page.goto('/#/data');
  const buffer = Buffer.from(await madeZip({ rows: 6, ambiguous: false, faults: false }));
  await page
    .locator('input[data-pick="file"]')
    .first()
    .setInputFiles({ name: 'my scenes.zip', mimeType: 'application/zip', buffer });
  await expect(page.getByText('my scenes.zip, read as')).toBeVisible({ timeout: 60_000 });
  await page.getByRole('article', { name: /^Row / }).focus();
  await page.keyboard.press('e');
  await page.getByLabel('Why the row is left out').fill('two discs');
  await page.keyboard.press('Enter');
  await expect(page.getByText('This row is left out: two discs')).toBeVisible();
  await page.keyboard.press('Escape');
  const projects = page.getByRole('link', { name: /^Projects/ });
  await expect(projects).toContainText('my scenes');
  await projects.click();
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save my scenes with its pictures to a file' }).click();
  const file = await (await download).path();
  await page.getByRole('button', { name: 'Delete my scenes' }).click();
  await page
    .getByRole('group', { name: /^Delete 0 runs/ })
    .getByRole('button', { name: 'Delete' })
    .click();
  await expect(page.getByText('No projects yet.')).toBeVisible();
  await page.locator('input[data-pick="project"]').setInputFiles(file);
  await expect(page.getByRole('rowheader', { name: /open/ })).toBeVisible({ timeout: 60_000 });
  await goTo(page, 'Data');
  // Its pictures are in the browser now, so that nothing is asked for, and the edit lies over its row.
  await expect(page.getByText('my scenes.zip, read as')).toBeVisible({ timeout: 60_000 });
  await expect(page.getByRole('tab', { name: 'Edits (1)' })).toBeVisible();
});
