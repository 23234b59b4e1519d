/** A defect of ours is told as one, and the report that a person may save of it holds nothing of their data. */
import { readFile } from 'node:fs/promises';
import { strToU8, zipSync } from 'fflate';
import sharp from 'sharp';
import { expect, test } from '@playwright/test';
import { look } from './harness/look.ts';
import { engineOf } from './harness/ways.ts';

/** What a row, its picture and its archive are called: none of it may be in a report. */
const SECRETS = ['grandmother', 'elm street', 'kitchen', 'holiday', 'red kettle'];

async function archive(): Promise<Buffer> {
  const png = await sharp({ create: { width: 64, height: 48, channels: 3, background: 'teal' } })
    .png()
    .toBuffer();
  const row = {
    id: 'grandmother-1',
    images: ['images/kitchen.png'],
    conversations: [
      { from: 'human', value: '<image>\nWhere is the red kettle at Elm Street?' },
      { from: 'gpt', value: '<answer>[{"image": 1, "bbox_2d": [4, 4, 40, 40]}]</answer>' },
    ],
  };
  return Buffer.from(zipSync({ 'train.jsonl': strToU8(JSON.stringify(row)), 'images/kitchen.png': png }));
}

test('a defect is told as one, with a report to save that has no word of the data', async ({ page }) => {
  await page.goto('./#/data');
  const pick = (name: string, buffer: Buffer) =>
    page.locator('input[data-pick="file"]').first().setInputFiles({ name, mimeType: 'application/zip', buffer });
  const choose = async (name: string, buffer: Buffer) => {
    await pick(name, buffer);
    await page.getByRole('button', { name: /^Open it in/ }).click();
  };
  await pick('holiday.zip', await archive());
  await expect(page.getByText('holiday.zip, read as')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Save a report' })).toHaveCount(0);

  // A file that is none is no defect: no report is offered.
  await choose('holiday at grandmother.zip', Buffer.from('no archive'));
  const alert = page.getByRole('alert').first();
  await expect(alert).toBeVisible();
  await expect(page.getByRole('button', { name: 'Save a report' })).toHaveCount(0);

  // The defect: something that never throws does, in the engine, with words of the data in its message.
  await engineOf(page).evaluate(() => {
    performance.now = () => {
      throw new TypeError("Cannot read properties of undefined (reading 'the red kettle at Elm Street')");
    };
  });
  await choose('holiday again.zip', await archive());
  await expect(page.getByText(/This is a defect in Groundwork/).first()).toBeVisible();
  await look(page, 'defect');
  const save = page.getByRole('button', { name: 'Save a report' }).first();
  await save.focus();
  const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')]);
  expect(download.suggestedFilename()).toBe('groundwork-defect.json');
  const text = await readFile(await download.path(), 'utf8');
  const report = JSON.parse(text) as { code: string; message: string; places: string[]; dataset: object };
  expect(report).toMatchObject({ code: 'internal', message: 'Cannot read properties of undefined (reading …)' });
  expect(report.places.join('\n')).toMatch(/worker-[\w-]+\.js:\d+:\d+/);
  expect(report.dataset).toEqual({ train: expect.any(Number), heldout: expect.any(Number), images: 1 });
  for (const secret of SECRETS) expect(text.toLowerCase()).not.toContain(secret);
});
