/** What people bring: what is asked about it, what is taught of it, and which rows a model cannot take. */
import { readFileSync } from 'node:fs';
import { expect, test, type Page } from '@playwright/test';
import { zipSync } from 'fflate';
import sharp from 'sharp';
import { goTo } from './harness/ways.ts';

const plain = (width: number, height: number, background: string): Promise<Buffer> =>
  sharp({ create: { width, height, channels: 3, background } })
    .png()
    .toBuffer();

const asked = (image: string, words = 'Where is it?') => ({
  images: [image],
  messages: [
    { role: 'user', content: `<image>${words}` },
    { role: 'assistant', content: '{"box_2d": [250, 125, 750, 500]}' },
  ],
});

async function openRows(page: Page, rows: readonly object[], pictures: Record<string, Uint8Array>): Promise<void> {
  const lines = (all: readonly object[]) => new TextEncoder().encode(all.map((row) => JSON.stringify(row)).join('\n'));
  const files = { ...pictures, 'plain.png': await plain(160, 120, '#a3a'), 'val.jsonl': lines([asked('plain.png')]) };
  const buffer = Buffer.from(zipSync({ ...files, 'train.jsonl': lines(rows) }, { level: 0 }));
  await page.goto('/#/data');
  await page
    .locator('input[data-pick="file"]')
    .first()
    .setInputFiles({ name: 'brought.zip', mimeType: 'application/zip', buffer });
  await expect(page.getByText('brought.zip, read as')).toBeVisible();
}

async function loadStarter(page: Page): Promise<void> {
  await goTo(page, 'Model');
  await page.getByRole('button', { name: 'Load the starter' }).click();
  await page.getByRole('region', { name: 'Loaded model' }).waitFor({ timeout: 120_000 });
}

/** What is learned of the first row. */
async function learned(page: Page): Promise<string> {
  await goTo(page, 'Recipe');
  await page.getByRole('tab', { name: 'As the model sees it' }).click();
  const tokens = page.getByRole('region', { name: 'Tokens by loss mask' });
  await expect(tokens).toBeVisible();
  return (await tokens.locator('mark').allInnerTexts()).join('');
}

test('which picture is asked; every answer is taught, or the last; boxes alone, or with their words', async ({
  page,
}) => {
  const says = (box: string) => `Look here: ${box}, by the wall.`;
  const rows = Array.from({ length: 6 }, (_, i) => ({
    images: ['a.png', 'b.png'],
    messages: [
      { role: 'user', content: `<image><image>Where is lamp ${i}?` },
      { role: 'assistant', content: says('{"box_2d": [250, 125, 750, 500]}') },
      { role: 'user', content: 'And the cup?' },
      { role: 'assistant', content: says('{"box_2d": [250, 250, 500, 625]}') },
    ],
  }));
  await openRows(page, rows, { 'a.png': await plain(160, 120, '#a33'), 'b.png': await plain(160, 120, '#3a3') });
  const questions = page.getByRole('region', { name: 'To decide before a run' });
  await expect(questions).toContainText('In which picture do the boxes of train.jsonl lie? 6 rows have several');
  await questions.getByRole('button', { name: 'In the first' }).click();
  await expect(questions).toHaveCount(0);
  await page.getByRole('tab', { name: /What was done/ }).click();
  await expect(page.getByRole('list', { name: 'What was done to your rows' })).toContainText(
    '6 rows do not say in which picture the box lies: it is put in the one that you chose',
  );

  await loadStarter(page);
  const all = await learned(page);
  expect(all.match(/<answer>/g)).toHaveLength(2);
  expect(all).not.toContain('wall');

  await goTo(page, 'Data');
  await page.getByRole('tab', { name: 'Format and split' }).click();
  await page.getByRole('radio', { name: 'The last answer' }).click({ force: true });
  await expect(page.getByText('Earlier ones are read by the model and not taught.')).toBeVisible();
  await page.getByRole('radio', { name: 'With the words around them' }).click({ force: true });
  await expect(page.getByText('The words around the boxes are taught as well.')).toBeVisible();
  const last = await learned(page);
  expect(last.match(/Look here: /g)).toHaveLength(1);
  expect(last).toContain(', by the wall.');
});

test('a TIFF and an AVIF are shown; rows that the model cannot take are named once both are there, and left out', async ({
  page,
}) => {
  const golden = (path: string) => readFileSync(`tests/golden/pictures/${path}`);
  await openRows(
    page,
    [
      asked('scan.tif', 'Where is it on the scan?'),
      asked('photo.avif', 'Where is it in the photo?'),
      asked('thread.png'),
      asked('plain.png', 'Is <|image_pad|> a word?'),
    ],
    {
      'scan.tif': golden('tif/lzw.tif'),
      'photo.avif': golden('avif/usual.avif'),
      'thread.png': await plain(603, 3, '#223'),
    },
  );
  const list = page.getByRole('listbox', { name: 'Rows' });
  const shown = page.getByRole('group', { name: /^Pictures of row/ }).locator('img');
  for (const words of ['on the scan', 'in the photo']) {
    await list.getByRole('option').filter({ hasText: words }).click();
    await expect(page.getByRole('article', { name: /^Row/ })).toContainText(words);
    await expect
      .poll(() => shown.first().evaluate((image: HTMLImageElement) => image.complete && image.naturalWidth))
      .toBeGreaterThan(1);
  }

  await loadStarter(page);
  await goTo(page, 'Data');
  const unfit = page.getByRole('region', { name: 'Rows that the model cannot take' });
  await expect(unfit).toContainText('The model cannot take 2 rows.');
  await expect(unfit).toContainText(/train\.jsonl:3: .*603/);
  await expect(unfit).toContainText('train.jsonl:4: The prompt has 2 × <|image_pad|> for 1 pictures');
  await unfit.getByRole('button', { name: 'Leave them out' }).click();
  await expect(unfit).toHaveCount(0);
  await expect(page.locator('.facts')).toContainText('2 rows');
});
