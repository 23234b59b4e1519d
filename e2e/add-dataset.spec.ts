/** A second dataset comes beside the first: its rows, its shares and its split are as if both had been dropped together. */
import { expect, test, type Page } from '@playwright/test';
import { unzipSync } from 'fflate';
import { look } from './harness/look.ts';
import { madeZip } from './harness/made-dataset.ts';
import { fill, standInForFilePicker, standInForPicker } from './harness/stand-in-folder.ts';
import { goTo } from './harness/ways.ts';

const training = (page: Page) =>
  page
    .locator('dl.facts > div')
    .filter({ hasText: 'Training rows' })
    .locator('dd')
    .innerText()
    .then((text) => Number(text.replace(',', '')));

test('a folder is added to a zip, both are drawn in shares, and the next visit opens both', async ({ page }) => {
  await standInForPicker(page, 'more set');
  await standInForFilePicker(page, 'downloads', 'my scenes.zip');
  await page.goto('/#/data');
  const zip = await madeZip({ rows: 12, ambiguous: false, faults: false });
  await fill(page, 'downloads', [['my scenes.zip', zip]]);
  const more = await madeZip({ rows: 8, ambiguous: false, faults: false });
  await fill(page, 'more set', Object.entries(unzipSync(more)));
  await page.getByRole('group', { name: 'Drop a dataset' }).getByRole('button', { name: 'Choose a file' }).click();
  await expect(page.getByText('my scenes.zip, read as')).toBeVisible({ timeout: 60_000 });
  const alone = await training(page);

  await page.getByRole('group', { name: 'Add a dataset' }).getByRole('button', { name: 'Add a folder' }).click();
  const both = page.getByText('my scenes.zip + more set, read as');
  await expect(both).toBeVisible({ timeout: 60_000 });
  const together = await training(page);
  expect(together).toBeGreaterThan(alone);
  await page.getByRole('tab', { name: 'Format and split' }).click();
  // The files of the first have the names that they had.
  await expect(page.getByText('train.jsonl', { exact: true })).toBeVisible();
  await expect(page.getByText('more set/train.jsonl', { exact: true })).toBeVisible();
  await look(page, 'two datasets');

  await goTo(page, 'Recipe');
  await page.getByRole('tab', { name: 'Rows' }).click();
  await page.getByRole('combobox', { name: 'Shares' }).selectOption('By file');
  const shares = page.getByRole('region', { name: 'Shares of the mixture' });
  await expect(shares.getByRole('row', { name: 'more set/train.jsonl' })).toBeVisible();
  await shares.getByRole('button', { name: 'Give a share: more set/train.jsonl' }).click();

  await goTo(page, 'Data');
  await page.reload();
  const note = page.getByRole('status').filter({ hasText: 'still on your disk' });
  await expect(note).toContainText('my scenes.zip + more set');
  await note.getByRole('button', { name: 'Open again' }).click();
  await expect(both).toBeVisible({ timeout: 60_000 });
  expect(await training(page)).toBe(together);
});

test('a second drop asks whether it is added or opened instead, and what holds no row changes nothing', async ({
  page,
}) => {
  const choose = async (name: string, buffer: Uint8Array, mimeType = 'application/zip') =>
    page
      .getByRole('group', { name: 'Drop another dataset' })
      .or(page.getByRole('group', { name: 'Drop a dataset' }))
      .locator('input[data-pick="file"]')
      .setInputFiles({ name, mimeType, buffer: Buffer.from(buffer) });
  await page.goto('/#/data');
  await choose('first.zip', await madeZip({ rows: 6, ambiguous: false, faults: false }));
  await expect(page.getByText('first.zip, read as')).toBeVisible({ timeout: 60_000 });
  const alone = await training(page);
  const second = await madeZip({ rows: 10, ambiguous: false, faults: false });
  await choose('second.zip', second);
  const question = page.getByRole('dialog', { name: 'Where should “second.zip” be opened?' });
  await look(page, 'the question');
  await question.getByRole('button', { name: 'Add it to “first.zip”' }).click();
  await expect(page.getByText('first.zip + second.zip, read as')).toBeVisible({ timeout: 60_000 });
  const together = await training(page);
  expect(together).toBeGreaterThan(alone);

  await choose('notes.txt', new TextEncoder().encode('nothing of use'), 'text/plain');
  await page.getByRole('button', { name: 'Add it to “first.zip + second.zip”' }).click();
  await expect(page.getByRole('alert')).toContainText(
    'Nothing of what you added to first.zip + second.zip can be used',
  );
  expect(await training(page)).toBe(together);

  // Chosen files are readable in one visit only: both are asked for, one after the other.
  await expect(page.getByRole('link', { name: /^Projects/ })).toContainText('first');
  await page.reload();
  await expect(page.getByRole('status').filter({ hasText: 'choose the files again' })).toContainText(
    'the first dataset first, and add the others to it',
  );
  await choose('first.zip', await madeZip({ rows: 6, ambiguous: false, faults: false }));
  await expect(page.getByText('first.zip, read as')).toBeVisible({ timeout: 60_000 });
  await choose('second.zip', second);
  await question.getByRole('button', { name: 'Add it to “first.zip”' }).click();
  await expect(page.getByText('first.zip + second.zip, read as')).toBeVisible({ timeout: 60_000 });
  expect(await training(page)).toBe(together);
});
