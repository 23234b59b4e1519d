/** Rows are mended where they are seen: boxes by mouse and by keys, words, rows left out; kept, undone, filed. */
import { readFileSync } from 'node:fs';
import { expect, test, type Page } from '@playwright/test';
import { look, photograph } from './harness/look.ts';
import { madeZip } from './harness/made-dataset.ts';
import { goTo } from './harness/ways.ts';

async function openZip(page: Page): Promise<void> {
  const buffer = Buffer.from(await madeZip({ rows: 10, ambiguous: false, faults: false }));
  await page
    .locator('input[data-pick="file"]')
    .first()
    .setInputFiles({ name: 'my set.zip', mimeType: 'application/zip', buffer });
  await expect(page.getByText('my set.zip, read as')).toBeVisible({ timeout: 60_000 });
}

const editor = (page: Page) => page.getByRole('dialog', { name: /^Edit row/ });
const saved = (page: Page, changes: string) =>
  expect(editor(page).getByRole('status')).toContainText(`${changes}, saved`);
const number = (page: Page, side: string) => editor(page).getByLabel(`${side}, pixels`);
async function numbers(page: Page): Promise<number[]> {
  const values: number[] = [];
  for (const side of ['Left', 'Top', 'Right', 'Bottom']) values.push(Number(await number(page, side).inputValue()));
  return values;
}

test('a box is moved, drawn and deleted by keys alone, and the row is as it was left after a reload', async ({
  page,
}) => {
  await page.goto('/#/data');
  await openZip(page);
  const row = page.getByRole('article', { name: /^Row / });
  await row.focus();
  await page.keyboard.press('e');
  const stage = editor(page).getByRole('group', { name: /^Image \d/ });
  await expect(stage).toHaveAttribute('data-scale', /\d/);
  const before = await numbers(page);
  await stage.focus();
  await page.keyboard.press('ArrowRight');
  await saved(page, '1 change');
  await page.keyboard.press('Shift+ArrowDown');
  await saved(page, '2 changes');
  const moved = await numbers(page);
  expect(moved.map((v, i) => Math.round((v - before[i]!) * 100) / 100)).toEqual([1, 10, 1, 10]);
  await page.keyboard.press('Control+ArrowRight');
  await saved(page, '3 changes');
  expect((await numbers(page))[2]).toBe(Math.round(moved[2]! + 1));

  await page.keyboard.press('n');
  await saved(page, '4 changes');
  await expect(editor(page).getByRole('list', { name: 'Boxes' }).getByRole('listitem')).toHaveCount(2);
  await page.keyboard.press('Delete');
  await saved(page, '5 changes');
  await page.keyboard.press('Control+z');
  await saved(page, '4 changes');
  await page.keyboard.press('Control+Shift+z');
  await saved(page, '5 changes');
  await page.keyboard.press('Escape');
  await expect(editor(page)).toBeHidden();
  await expect(page.getByRole('tab', { name: 'Edits (5)' })).toBeVisible();

  await page.reload();
  await openZip(page);
  await expect(page.getByRole('tab', { name: 'Edits (5)' })).toBeVisible();
  await page.getByRole('article', { name: /^Row / }).focus();
  await page.keyboard.press('e');
  await saved(page, '5 changes');
  expect((await numbers(page)).slice(0, 2)).toEqual(moved.slice(0, 2));
  await editor(page).getByText('History of this row').click();
  await expect(editor(page).getByRole('listitem').filter({ hasText: 'made again: deleted box 2' })).toBeVisible();
  await page.keyboard.press('Escape');

  // The same editor in Inspect.
  await goTo(page, 'Inspect');
  await expect(page.getByRole('article', { name: /^Row / })).toBeVisible();
  await page.keyboard.press('e');
  await expect(editor(page).getByRole('status')).toContainText('As its file has it');
});

test('a box is dragged, resized and drawn by mouse at any zoom; words and use are edited; edits go out and in', async ({
  page,
}) => {
  await page.goto('/#/data');
  await openZip(page);
  await page.getByRole('button', { name: /^Edit/ }).click();
  const stage = editor(page).getByRole('group', { name: /^Image \d/ });
  await expect(stage).toHaveAttribute('data-scale', /\d/);
  const box = editor(page).locator('.stage-box').first();
  const before = await numbers(page);
  const scale = Number(await stage.getAttribute('data-scale'));
  const at = (await box.boundingBox())!;
  await page.mouse.move(at.x + at.width / 2, at.y + at.height / 2);
  await page.mouse.down();
  await page.mouse.move(at.x + at.width / 2 - 12 * scale, at.y + at.height / 2 - 5 * scale, { steps: 4 });
  await page.mouse.up();
  await saved(page, '1 change');
  const moved = await numbers(page);
  expect(moved.map((v, i) => Math.round(v - before[i]!))).toEqual([-12, -5, -12, -5]);

  // At eight times the size a pixel is eight pixels wide: one of them is hit exactly.
  await page.mouse.wheel(0, -300);
  await expect(stage).not.toHaveAttribute('data-scale', scale.toFixed(3));
  await editor(page).getByRole('button', { name: 'Whole picture' }).click();
  const grip = editor(page).locator('[data-grip="e"]');
  const held = (await grip.boundingBox())!;
  await page.mouse.move(held.x + held.width / 2, held.y + held.height / 2);
  await page.mouse.down();
  await page.mouse.move(held.x + held.width / 2 + 7 * scale, held.y + held.height / 2, { steps: 3 });
  await page.mouse.up();
  await saved(page, '2 changes');
  const resized = await numbers(page);
  expect([resized[0], resized[1], resized[3]]).toEqual([moved[0], moved[1], moved[3]]);
  expect(resized[2]).toBe(Math.round(moved[2]! + 7));

  const frame = (await stage.boundingBox())!;
  await page.mouse.move(frame.x + frame.width / 2 - 60, frame.y + 30);
  await page.keyboard.down('Alt');
  await page.mouse.down();
  await page.mouse.move(frame.x + frame.width / 2 + 20, frame.y + 90, { steps: 3 });
  await page.mouse.up();
  await page.keyboard.up('Alt');
  await saved(page, '3 changes');
  await editor(page).getByLabel('Name of box 2').fill('second disc');
  await page.keyboard.press('Enter');
  await saved(page, '4 changes');
  await number(page, 'Left').fill('5');
  await page.keyboard.press('Enter');
  await saved(page, '5 changes');

  // Into the other picture, which is shown then.
  await editor(page).getByLabel('Picture of box 2').selectOption('Image 2');
  await saved(page, '6 changes');
  await expect(editor(page).getByRole('group', { name: /^Image 2 with 1 box/ })).toBeVisible();

  const question = editor(page).getByLabel('Question');
  await question.fill((await question.inputValue()).replace('pale disc', 'white disc'));
  await question.blur();
  await saved(page, '7 changes');
  await question.fill('no marks');
  await question.blur();
  await expect(editor(page).getByText('the marks <image> and <bbox> are not those of the question')).toBeVisible();

  await look(page, 'editor');

  await editor(page).getByLabel('Why the row is left out').fill('two discs');
  await page.keyboard.press('Enter');
  await expect(editor(page).getByText('This row is left out: two discs')).toBeVisible();
  await editor(page).getByRole('button', { name: 'Close' }).click();
  await page.getByRole('tab', { name: 'Edits (8)' }).click();
  await expect(page.getByRole('list', { name: 'Edits' })).toContainText('8 changes of 1 row, 1 of them left out');
  await photograph(page, 'edits');

  await page.evaluate(() => delete (window as { showSaveFilePicker?: unknown }).showSaveFilePicker);
  const downloaded = async (button: RegExp): Promise<string> => {
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: button }).click();
    return readFileSync(await (await download).path(), 'utf8');
  };
  expect((await downloaded(/^Save edits/)).trim().split('\n')).toHaveLength(9);
  expect((await downloaded(/Training 7 rows/)).trim().split('\n')).toHaveLength(7);
  await page.getByLabel('Format of the rows').selectOption('coco');
  expect(JSON.parse(await downloaded(/Training 7 rows/))).toHaveProperty('annotations');
  await page.getByRole('button', { name: /^Undo: left the row out/ }).click();
  await expect(page.getByRole('tab', { name: 'Edits (7)' })).toBeVisible();
  await page.getByRole('button', { name: 'Show 1 edited row' }).click();
  await expect(page.getByText('1 row of')).toBeVisible();
});
