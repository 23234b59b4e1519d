/** The data room in the product: a dataset with faults and doubts is looked at, settled, and only then trained on. */
import { expect, test, type Page } from '@playwright/test';
import { zipSync } from 'fflate';
import sharp from 'sharp';
import { madeZip, type MadeOptions } from './harness/made-dataset.ts';
import { goTo } from './harness/ways.ts';

async function openZip(page: Page, options: MadeOptions): Promise<void> {
  await page.goto('/#/data');
  await page
    .locator('input[data-pick="file"]')
    .first()
    .setInputFiles({ name: 'my set.zip', mimeType: 'application/zip', buffer: Buffer.from(await madeZip(options)) });
  await expect(page.getByText('my set.zip, read as')).toBeVisible({ timeout: 60_000 });
}

const tab = (page: Page, name: string) => page.getByRole('tab', { name }).click();
test('what only the user knows is asked for before a run: coordinates confirmed, rows skipped and recorded', async ({
  page,
}) => {
  await openZip(page, { rows: 8, ambiguous: true, faults: true });
  const questions = page.getByRole('region', { name: 'To decide before a run' });
  await expect(questions).toContainText('3 rows cannot be used');
  await goTo(page, 'Model');
  await page.getByRole('button', { name: 'Load the starter' }).click();
  await page.getByRole('region', { name: 'Loaded model' }).waitFor({ timeout: 120_000 });
  await goTo(page, 'Recipe');
  await expect(page.getByText('The Data room has an open question')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Start the run' })).toBeDisabled();

  await goTo(page, 'Data');
  await questions.getByRole('button', { name: 'See why' }).click();
  const issues = page.getByRole('region', { name: 'Issues by row' });
  for (const words of ['train.jsonl:4', 'images[0]', 'no file matches', 'no known format has these keys: id, text'])
    await expect(issues).toContainText(words);
  await questions.getByRole('button', { name: 'Skip 3 rows' }).click();
  await expect(questions).not.toContainText('cannot be used');
  await expect(page.getByText('3 rows skipped, as you chose')).toBeVisible();

  // Each file has its own question, with its own guess.
  for (const file of ['train.jsonl', 'val.jsonl'])
    await expect(questions).toContainText(`How should the boxes of ${file} be read?`);
  await questions.getByRole('button', { name: 'Check and confirm' }).first().click();
  await expect(page.getByText('Read the numbers of train.jsonl as')).toBeVisible();
  const chosen = page.getByRole('radio', { name: /Pixels of the picture file two corners/ });
  await expect(chosen).toBeChecked();
  await expect(
    page.getByRole('group', { name: /boxes as Pixels of the picture file/ }).locator('canvas[data-boxes="1"]'),
  ).toHaveCount(1);
  await page.getByRole('radio', { name: /Thousandths \(0–1000\) two corners/ }).check();
  await expect(page.getByRole('group', { name: /boxes as Thousandths/ })).toBeVisible();
  await page.getByRole('radio', { name: /Pixels after a resize/ }).check();
  const slider = page.getByRole('slider', { name: /Largest picture/ });
  await slider.focus();
  await page.keyboard.press('Home');
  await expect(slider).toHaveAttribute('aria-valuetext', '50,176 pixels');
  await expect(page.getByRole('group', { name: /boxes as Pixels after a resize/ })).toBeVisible();
  await chosen.check();
  await page.getByRole('button', { name: 'Confirm this reading' }).click();
  // One answer settles one file: the other is still asked about, and shown next.
  await expect(questions).not.toContainText('train.jsonl');
  await expect(questions).toContainText('How should the boxes of val.jsonl be read?');
  await expect(page.getByText('Read the numbers of val.jsonl as')).toBeVisible();
  await page.getByRole('radio', { name: /Pixels of the picture file two corners/ }).check();
  await page.getByRole('button', { name: /Confirm this reading|Use this reading/ }).click();
  await expect(questions).toHaveCount(0);

  // What was done to the rows is listed, and leads to them.
  await page.getByRole('tab', { name: /What was done/ }).click();
  const ledger = page.getByRole('list', { name: 'What was done to your rows' });
  await expect(ledger).toContainText('words around the boxes of the answer');
  await ledger
    .getByRole('button', { name: /Show \d+ rows/ })
    .first()
    .click();
  await expect(page.getByRole('status').filter({ hasText: 'rows of' })).toBeVisible();
  await goTo(page, 'Recipe');
  await expect(page.getByRole('button', { name: 'Start the run' })).toBeEnabled();
});

test('another reading, another format and another split are taken at once, without dropping anything again', async ({
  page,
}) => {
  await openZip(page, { rows: 12, ambiguous: false, faults: false });
  await expect(page.getByRole('region', { name: 'To decide before a run' })).toHaveCount(0);
  await tab(page, 'Health');
  await expect(page.getByRole('list', { name: 'Worth a second look' })).toContainText('both in training and held out');
  await page.getByRole('button', { name: 'Show them' }).first().click();
  await expect(page.getByRole('status').filter({ hasText: 'rows of' })).toBeVisible();
  await tab(page, 'Format and split');
  await page.getByLabel('Read rows as').selectOption('ShareGPT messages');
  await expect(page.getByText('You chose this format. 0 rows could be read, 12 could not.')).toBeVisible();
  await page.getByLabel('Read rows as').selectOption('');
  await expect(page.getByText('my set.zip, read as MGrounding / LLaVA')).toBeVisible();
});

test('a file without rows is refused with a reason, and the dataset open before stays', async ({ page }) => {
  await openZip(page, { rows: 8, ambiguous: false, faults: false });
  const pick = page.locator('input[data-pick="file"]').first();
  for (const [name, words] of [
    ['scan.pdf', 'Nothing in scan.pdf can be used: there are no rows: there is 1 other file (scan.pdf).'],
    ['half.json', 'Nothing in half.json can be used: not JSON'],
    ['photos.zip', 'Nothing in photos.zip can be used'],
  ] as const) {
    await pick.setInputFiles({ name, mimeType: 'application/octet-stream', buffer: Buffer.from('{"rows": [') });
    await page.getByRole('button', { name: 'Open it in “my set”' }).click();
    await expect(page.getByRole('alert')).toContainText(words);
    await expect(page.getByText('my set.zip, read as')).toBeVisible();
  }
});

test('rows by keyboard and by text; every picture of 1, 2, 4 and 8, none wider than its place; text stays text', async ({
  page,
}) => {
  await page.setViewportSize({ width: 900, height: 700 });
  await openZip(page, { rows: 12, ambiguous: false, faults: false });
  const list = page.getByRole('listbox', { name: 'Rows' });
  await list.focus();
  for (const [id, pictures] of [
    ['row-0', 2],
    ['row-1', 1],
    ['row-2', 4],
    ['row-3', 8],
  ] as const) {
    const strip = page.getByRole('group', { name: `Pictures of row ${id}` });
    await expect(strip.locator('img')).toHaveCount(pictures);
    await expect(strip.locator('canvas[data-boxes="1"]')).toHaveCount(1);
    // One in six pictures is eight times as wide as high.
    await expect
      .poll(() => page.getByRole('article').evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth))
      .toBe(0);
    await page.keyboard.press('ArrowDown');
  }
  await page.getByRole('searchbox', { name: 'Search text of rows' }).fill('BOLD?');
  await expect(page.getByText(/^1 row of/)).toBeVisible();
  await expect(page.getByRole('article')).toContainText('<b>bold?</b>');
  expect(await page.title()).not.toBe('1');
});

test('files copied into the browser are read from there, and deleted from there', async ({ page }) => {
  await page.goto('/#/data');
  await page.getByText('Copy them into this browser').click();
  await openZip(page, { rows: 6, ambiguous: false, faults: false });
  await expect(page.getByRole('article', { name: 'Row row-0' }).locator('img').first()).toBeVisible();
  const stored = await page.evaluate(async () => {
    const names: string[] = [];
    const root = await (await navigator.storage.getDirectory()).getDirectoryHandle('datasets');
    for await (const [name, folder] of root.entries())
      for await (const file of (folder as FileSystemDirectoryHandle).keys())
        names.push(`${name.replace(/-[a-z0-9]+$/, '')}/${file}`);
    return names;
  });
  expect(stored).toEqual(['my-set-zip/my set.zip']);

  await page.goto('/#/projects');
  const copies = page.getByRole('region', { name: 'Copies of datasets' });
  const copy = copies.getByRole('row', { name: /my set\.zip/ });
  await expect(copy).toContainText(/my set\.zipmy set.*1.*(KiB|MiB)/);
  await page.reload();
  await copy.getByRole('button', { name: 'Open the copy of my set.zip' }).click();
  await expect(page.getByText('my set.zip, read as')).toBeVisible();
  await page.goto('/#/projects');
  await copy.getByRole('button', { name: 'Delete the copy of my set.zip' }).click();
  await expect(copy).toContainText('my set will ask for its files again');
  await copy.getByRole('button', { name: 'Delete', exact: true }).click();
  await expect(copies).toHaveCount(0);
  await page.reload();
  await expect(page.getByText('its copy was deleted from this browser. Open its files again')).toBeVisible();
  const left = await page.evaluate(async () => {
    const root = await (await navigator.storage.getDirectory()).getDirectoryHandle('datasets');
    let n = 0;
    for await (const _ of root.keys()) n++;
    return n;
  });
  expect(left).toBe(0);
});

test('of many rows only those in sight are in the page, and of a large picture only what is shown', async ({
  page,
}) => {
  const picture = await sharp({ create: { width: 4500, height: 3000, channels: 3, background: '#468' } })
    .jpeg()
    .toBuffer();
  const rows = Array.from({ length: 5000 }, (_, i) =>
    JSON.stringify({
      id: `row-${i}`,
      image: 'large.jpg',
      conversations: [
        { from: 'human', value: `<image>Number ${i}?` },
        { from: 'gpt', value: '<|box_start|>(100,100),(500,500)<|box_end|>' },
      ],
    }),
  );
  const buffer = Buffer.from(
    zipSync({ 'train.jsonl': new TextEncoder().encode(rows.join('\n')), 'large.jpg': picture }, { level: 0 }),
  );
  await page.goto('/#/data');
  await page
    .locator('input[data-pick="file"]')
    .first()
    .setInputFiles({ name: 'many.zip', mimeType: 'application/zip', buffer });
  await expect(page.getByText('many.zip, read as')).toBeVisible({ timeout: 60_000 });
  const list = page.getByRole('listbox', { name: 'Rows' });
  const shown = () => list.getByRole('option').count();
  expect(await shown()).toBeLessThan(40);
  await list.focus();
  await page.keyboard.press('End');
  await expect(page.getByRole('article')).toHaveAccessibleName('Row row-4999');
  await expect(list.getByRole('option', { selected: true })).toContainText('Number 4999?');
  expect(await shown()).toBeLessThan(40);
  const image = page.getByRole('group', { name: 'Pictures of row row-4999' }).locator('img');
  await expect(image).toBeVisible();
  expect(await image.evaluate((element: HTMLImageElement) => element.decode().then(() => element.naturalHeight))).toBe(
    512,
  );
  await expect(page.getByRole('article')).toContainText('4500×3000');
});

test('a picture cut off inside a zip is found by a check of all, counted in Health, and shown', async ({ page }) => {
  const drawn = (color: string) =>
    sharp({ create: { width: 400, height: 300, channels: 3, background: color, noise: { type: 'gaussian' } } })
      .jpeg()
      .toBuffer();
  const pictures = await Promise.all(['#224466', '#446622', '#662244'].map(drawn));
  pictures[1] = pictures[1]!.subarray(0, 9000);
  const rows = pictures.map((_, i) => ({
    id: `row-${i}`,
    images: [`p${i}.jpg`],
    conversations: [
      { from: 'human', value: '<image>Where?' },
      { from: 'gpt', value: '(100,100),(700,800)' },
    ],
  }));
  const zip = zipSync({
    'train.json': Buffer.from(JSON.stringify(rows)),
    ...Object.fromEntries(pictures.map((bytes, i) => [`p${i}.jpg`, bytes])),
  });
  await page.goto('/#/data');
  await page
    .locator('input[data-pick="file"]')
    .first()
    .setInputFiles({ name: 'cut.zip', mimeType: 'application/zip', buffer: Buffer.from(zip) });
  await expect(page.getByText('cut.zip, read as')).toBeVisible({ timeout: 60_000 });
  await tab(page, 'Health');
  const check = page.getByRole('button', { name: /^Check them all \(/ });
  await expect(page.getByText('Only the beginning of 3 pictures was read')).toBeVisible();
  await check.press('Enter');
  await expect(page.getByText('All 3 picture files were read to the end.')).toBeVisible();
  const finding = page
    .getByRole('list', { name: 'Worth a second look' })
    .getByRole('listitem')
    .filter({ hasText: '1 row with a picture whose file is truncated or damaged' });
  await finding.getByRole('button', { name: 'Show it' }).click();
  await expect(page.getByRole('status').filter({ hasText: '1 row' })).toBeVisible();
  await expect(page.getByRole('article')).toContainText('row-1');
});

test('why rows are left out is counted in Health, and leads to the rows', async ({ page }) => {
  await openZip(page, { rows: 8, ambiguous: false, faults: true });
  await tab(page, 'Health');
  const why = page.getByRole('list', { name: 'Why rows are left out' });
  await expect(why.getByRole('listitem').first()).toContainText('1 row with a picture that is not among the files');
  await expect(why).toContainText('2 rows with another error');
  await why.getByRole('button', { name: 'See why' }).first().click();
  await expect(page.getByRole('region', { name: 'Issues by row' })).toContainText('no file matches');
});

/** Pictures of one or two coloured squares, and COCO's annotations of them. */
async function cocoZip(): Promise<Buffer> {
  const colours = ['red', 'green', 'blue', 'black'];
  const files: Record<string, Uint8Array> = {};
  const annotations: object[] = [];
  const images = Array.from({ length: 16 }, (_, i) => ({ id: i, file_name: `p/${i}.png`, width: 160, height: 120 }));
  for (const { id, file_name } of images) {
    const kinds = id % 2 ? [id % 4] : [id % 4, (id + 1 + (id >> 2)) % 4];
    const square = (kind: number, k: number) => ({
      input: { create: { width: 40, height: 40, channels: 3 as const, background: colours[kind]! } },
      left: 10 + 70 * k,
      top: 10 + 4 * id,
    });
    for (const [k, kind] of kinds.entries())
      annotations.push({
        id: annotations.length,
        image_id: id,
        category_id: kind,
        bbox: [10 + 70 * k, 10 + 4 * id, 40, 40],
      });
    files[file_name] = await sharp({ create: { width: 160, height: 120, channels: 3, background: '#ddd' } })
      .composite([...new Set(kinds)].map(square))
      .png()
      .toBuffer();
  }
  const categories = colours.map((name, id) => ({ id, name: `${name} square` }));
  files['set.json'] = new TextEncoder().encode(JSON.stringify({ images, annotations, categories }));
  return Buffer.from(zipSync(files));
}

test('COCO becomes rows of several pictures: previewed, opened as a dataset, saved, and taken back', async ({
  page,
}) => {
  await page.goto('/#/data');
  await page
    .locator('input[data-pick="file"]')
    .first()
    .setInputFiles({ name: 'coco.zip', mimeType: 'application/zip', buffer: await cocoZip() });
  await expect(page.getByText('coco.zip, read as COCO')).toBeVisible({ timeout: 60_000 });
  await tab(page, 'Several pictures');
  const card = page.getByRole('region', { name: 'Questions about several pictures' });
  await card.getByLabel('Pictures a row').fill('2');
  await card.getByLabel('Rows', { exact: true }).fill('12');
  await card.getByLabel(/^Common object/).uncheck();
  await card.getByRole('button', { name: 'Preview' }).click();
  const preview = page.getByRole('region', { name: 'Preview of composed rows' });
  await expect(preview.getByRole('listitem')).toHaveCount(6);
  await expect(preview).toContainText(/Find the \w+ square\. It is in one of these 2 images/);
  await expect(preview.locator('canvas[data-boxes="1"]').first()).toBeVisible();
  await card.getByRole('button', { name: 'Open these rows' }).click();
  await expect(page.getByText('coco.zip, read as COCO, composed')).toBeVisible();
  const composed = page.getByRole('region', { name: 'Composed rows' });
  const download = page.waitForEvent('download');
  await page.evaluate(() => Reflect.deleteProperty(window, 'showSaveFilePicker'));
  await composed.getByRole('button', { name: 'Save training rows' }).click();
  expect((await download).suggestedFilename()).toBe('train.jsonl');
  await composed.getByRole('button', { name: 'Back to one picture per row' }).click();
  await expect(page.getByText('coco.zip, read as COCO', { exact: true })).toBeVisible();
});
