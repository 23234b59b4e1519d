/** The scores room in the product: a benchmark by its published file, scored under both readings, compared, written. */
import { readFileSync } from 'node:fs';
import { expect, test, type Page } from '@playwright/test';
import { strToU8, zipSync } from 'fflate';
import sharp from 'sharp';
import { madeMigBench } from '../tests/data/make-benchmark.ts';
import { watchHeaps } from './harness/heap.ts';
import { faults, faultsInBoth } from './harness/look.ts';
import { goTo } from './harness/ways.ts';

async function openBenchmark(page: Page, rows: number): Promise<void> {
  await page.goto('/#/data');
  await page
    .locator('input[data-pick="file"]')
    .first()
    .setInputFiles({ name: 'bench.zip', mimeType: 'application/zip', buffer: Buffer.from(await madeMigBench(rows)) });
  await expect(page.getByText('bench.zip, read as MIG-Bench')).toBeVisible({ timeout: 60_000 });
}

async function loadStarter(page: Page): Promise<void> {
  await goTo(page, 'Model');
  await page.getByRole('button', { name: 'Load the starter' }).click();
  await page.getByRole('region', { name: 'Loaded model' }).waitFor({ timeout: 120_000 });
}

/** The studio asks for a file where the browser can; here it downloads. */
const download = async (page: Page, button: string) => {
  const waiting = page.waitForEvent('download');
  await page.getByRole('button', { name: button }).click();
  return readFileSync(await (await waiting).path(), 'utf8');
};

test('a benchmark is known by its file, answered, stopped and gone on with, scored under both readings, and written', async ({
  page,
}) => {
  await page.addInitScript('delete window.showSaveFilePicker');
  await openBenchmark(page, 10);
  await expect(page.getByRole('note', { name: 'Benchmark' })).toContainText('10 rows of MIG-Bench');
  await expect(page.getByRole('note', { name: 'Benchmark' })).toContainText('never trained on');
  await loadStarter(page);

  await goTo(page, 'Scores');
  const section = page.getByRole('region', { name: 'MIG-Bench', exact: true });
  await expect(section).toContainText('never trained on');
  await expect(section).toContainText('The published file has more rows');
  await section.getByText('How the published script asks and scores').click();
  await expect(section).toContainText("Don't generate addtional words.");
  await expect(section).toContainText('128 tokens');

  // Stopped after some rows, then gone on with: what is answered stays.
  await page.getByRole('button', { name: 'Evaluate', exact: true }).click();
  await expect(page.getByRole('progressbar', { name: /^Base: 4 of 10 rows/ })).toBeVisible({ timeout: 300_000 });
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.getByRole('button', { name: 'Evaluate', exact: true }).waitFor({ timeout: 300_000 });
  const models = section.getByRole('region', { name: 'MIG-Bench: models' });
  await expect(models.getByRole('row', { name: /Groundwork starter as published/ })).toBeVisible();
  await expect(models.getByRole('cell', { name: '10', exact: true })).toHaveCount(0);
  await page.getByRole('button', { name: 'Evaluate', exact: true }).click();
  await expect(models.getByRole('cell', { name: '10', exact: true })).toHaveCount(2, { timeout: 300_000 });
  await expect(section.getByRole('region', { name: /both readings/ })).toContainText('As published');

  // Published rows stand below with their sources, and none is called comparable with six questions.
  const migician = models.getByRole('row', { name: /^Migician/ });
  await expect(migician).toContainText('63.5');
  await expect(models.getByText('= comparable')).toHaveCount(0);
  await expect(section).toContainText('not all questions were answered');

  const csv = await download(page, 'CSV');
  expect(csv.split('\n')[0]).toContain('same files, prompt and rule');
  expect(csv).toContain('Migician');
  expect(await download(page, 'LaTeX')).toContain('\\begin{tabular}');
  expect(await faults(page)).toEqual([]);

  await page.getByRole('tab', { name: 'Answers' }).click();
  const ours = await download(page, 'Save the answers of Groundwork starter as JSON Lines');
  expect(ours.trimEnd().split('\n')).toHaveLength(11);
  const samples = await download(page, 'Save the answers of Groundwork starter as lmms-eval');
  expect(
    samples
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { doc_id: number }).doc_id),
  ).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

/** Answers in thousandths: right, in the wrong picture, loose, or none. */
const answersOf = (kinds: readonly ('right' | 'elsewhere' | 'loose' | 'none')[]) =>
  kinds
    .map((kind, i) => {
      const left = (80 + 40 * ((i + 1) % 4) - 40) / 320;
      const shift = kind === 'loose' ? 0.12 : 0;
      const box = [left + shift, 80 / 240, left + shift + 0.25, 160 / 240].map((v) => Math.round(1000 * v));
      const picture = kind === 'elsewhere' ? 1 : 2;
      const text = kind === 'none' ? 'I see no disc.' : `Image-${picture}: (${box[0]},${box[1]}),(${box[2]},${box[3]})`;
      return JSON.stringify({ doc_id: i, filtered_resps: [text] });
    })
    .join('\n');

async function take(page: Page, name: string, content: string, answers = 8): Promise<void> {
  await page
    .locator('input[data-pick="predictions"]')
    .setInputFiles({ name: `${name}.jsonl`, mimeType: 'application/json', buffer: Buffer.from(content) });
  await page.getByLabel('The numbers of its boxes are').selectOption('thousandths');
  await page.getByRole('button', { name: `Take the answers of ${name}.jsonl` }).click();
  const told = `${answers} answers of ${name} were taken.`;
  await expect(page.getByText(told)).toBeVisible({ timeout: 60_000 });
}

test('answers of other models become rows of the table and a layer, and each cell of failures opens its rows', async ({
  page,
}) => {
  await openBenchmark(page, 8);
  await goTo(page, 'Scores');
  await page.getByRole('tab', { name: /^Answers/ }).click();
  await take(page, 'first', answersOf(['right', 'elsewhere', 'right', 'loose', 'none', 'right', 'right', 'loose']));
  await take(page, 'second', answersOf(['right', 'right', 'right', 'right', 'none', 'right', 'right', 'loose']));

  await page.getByRole('tab', { name: 'Scores', exact: true }).click();
  const models = page.getByRole('region', { name: 'MIG-Bench: models' });
  // Region: rows 0, 2, 4, 6; difference: 1, 3, 5, 7.
  await expect(models.getByRole('row', { name: /^first strict 75.0 25.0 50.0/ })).toBeVisible();
  // The published script does not look at the picture.
  await expect(models.getByRole('row', { name: /^first as published 75.0 50.0 62.5/ })).toBeVisible();
  await expect(page.getByRole('list', { name: 'Differences' })).toContainText('+25.0 points');
  await expect(page.getByRole('list', { name: 'Differences' })).toContainText('2 gained, 0 lost');

  await page.getByRole('tab', { name: 'Failures' }).click();
  const failures = page.getByRole('region', { name: 'Failures on MIG-Bench' });
  await failures.getByLabel('Model').selectOption({ label: 'first' });
  await expect(failures.getByRole('button', { name: /^region, no box: 1 row/ })).toBeVisible();
  await expect(failures.getByRole('button', { name: /^diff, wrong picture: 1 row/ })).toBeVisible();
  expect(await faults(page)).toEqual([]);
  const loose = failures.getByRole('button', { name: /^diff, loose/ });
  await loose.focus();
  await page.keyboard.press('Enter');

  await expect(page.getByText('first: diff, loose (0.3–0.5), 2 rows')).toBeVisible();
  await expect(page.getByRole('listbox', { name: 'Rows' }).getByRole('option')).toHaveCount(2);
  const card = page.getByRole('region', { name: 'Answer of first' });
  await expect(card).toContainText('loose (0.3–0.5)');
  await expect(card).toContainText('IoU 0.35');
  await page.getByLabel('Further layer').selectOption({ label: 'second' });
  await expect(page.getByRole('region', { name: 'Answer of second' })).toContainText('hit');
  expect(await faults(page)).toEqual([]);
  await page.getByRole('button', { name: 'Show all rows' }).click();
  await expect(page.getByRole('listbox', { name: 'Rows' }).getByRole('option')).toHaveCount(8);
});

test('a benchmark of 4,000 rows is scored and looked through, and the heap does not grow with how often', async ({
  page,
}) => {
  test.setTimeout(300_000);
  const heaps = await watchHeaps(page);
  await openBenchmark(page, 4000);
  await goTo(page, 'Scores');
  await page.getByRole('tab', { name: /^Answers/ }).click();
  const kinds = (['right', 'elsewhere', 'loose', 'none'] as const).flatMap((kind) =>
    Array<typeof kind>(1000).fill(kind),
  );
  await take(page, 'large', answersOf(kinds), 4000);
  await page.getByRole('tab', { name: 'Failures' }).click();
  const cells = page.getByRole('region', { name: 'Failures on MIG-Bench' });
  const list = page.getByRole('listbox', { name: 'Rows' });
  const look = async () => {
    await goTo(page, 'Scores');
    await page.getByRole('tab', { name: 'Failures' }).click();
    await cells.getByRole('button', { name: /^region, right: \d+ rows/ }).click();
    await page.getByRole('button', { name: 'Show all rows' }).click();
    await list.focus();
    for (let i = 0; i <= 20; i++) {
      await list.evaluate((box, at) => void (box.scrollTop = (box.scrollHeight * at) / 20), i);
      await page.waitForTimeout(30);
    }
    await page.keyboard.press('End');
    await expect(page.getByText('4,000 of 4,000', { exact: false }).first()).toBeVisible();
    return heaps();
  };
  const first = await look();
  let last = first;
  for (let i = 0; i < 3; i++) last = await look();
  const mib = 2 ** 20;
  console.log(
    `page ${(first.page / mib).toFixed(1)} to ${(last.page / mib).toFixed(1)} MiB, workers ${(first.workers / mib).toFixed(1)} to ${(last.workers / mib).toFixed(1)} MiB`,
  );
  expect(last.page - first.page).toBeLessThan(4 * mib);
  expect(last.workers - first.workers).toBeLessThan(4 * mib);
});

/** Rows of two pictures, of which one is scaled and packed again on the held-out side. */
async function alikeZip(): Promise<Buffer> {
  const picture = (i: number) =>
    sharp(
      Buffer.from(
        `<svg xmlns="http://www.w3.org/2000/svg" width="320" height="240"><rect width="100%" height="100%" fill="hsl(${i * 47} 40% 60%)"/><circle cx="${60 + 37 * i}" cy="${70 + 23 * i}" r="${30 + 5 * i}" fill="#234"/><path d="M0 ${40 * i} L320 ${240 - 30 * i}" stroke="#fff" stroke-width="9"/></svg>`,
      ),
    );
  const files: Record<string, Uint8Array> = {};
  for (let i = 0; i < 5; i++) files[`images/${i}.png`] = await picture(i).png().toBuffer();
  files['images/again.jpg'] = await picture(1).resize(200, 150).jpeg({ quality: 60 }).toBuffer();
  const row = (id: string, images: readonly string[]) =>
    JSON.stringify({
      id,
      images: images.map((name) => `images/${name}`),
      messages: [
        { role: 'user', content: '<image><image>Find the dark disc of the same kind in both.' },
        { role: 'assistant', content: '<answer>Image-1: (100,200),(400,500)</answer>' },
      ],
    });
  const lines = (...rows: readonly string[]) => strToU8(rows.join('\n'));
  files['train.jsonl'] = lines(row('a', ['0.png', '1.png']), row('b', ['2.png', '0.png']));
  files['val.jsonl'] = lines(row('c', ['again.jpg', '3.png']), row('d', ['3.png', '4.png']));
  return Buffer.from(zipSync(files));
}

test('a held-out picture that looks like one to train on is named', async ({ page }) => {
  await page.goto('/#/data');
  const buffer = await alikeZip();
  await page
    .locator('input[data-pick="file"]')
    .first()
    .setInputFiles({ name: 'alike.zip', mimeType: 'application/zip', buffer });
  await expect(page.getByText('alike.zip, read as')).toBeVisible({ timeout: 60_000 });
  await page.getByRole('tab', { name: 'Health' }).click();
  await page.getByRole('button', { name: /^Compare \d+ pictures/ }).click();
  await expect(page.getByText('1 held-out picture looks like one of the training part')).toBeVisible();
  await expect(page.getByRole('listitem').filter({ hasText: 'images/again.jpg' })).toContainText('images/1.png');
  expect(await faultsInBoth(page)).toEqual([]);
});

test('answers are held against their pictures in other places, where that tells something', async ({ page }) => {
  test.setTimeout(600_000);
  await page.goto('/#/data');
  await page.getByRole('button', { name: 'Start with the sample' }).click();
  await expect(page.getByRole('link', { name: /^Model/ })).toContainText('parameters', { timeout: 120_000 });
  await goTo(page, 'Scores');
  await page.getByRole('textbox', { name: 'Rows (0: all)' }).fill('8');
  await page.getByRole('checkbox', { name: 'Swap the pictures, too' }).check();
  await page.getByRole('button', { name: 'Evaluate', exact: true }).click();
  await expect(page.getByRole('button', { name: 'Stop' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Evaluate', exact: true })).toBeVisible({ timeout: 400_000 });
  await page.getByRole('tab', { name: 'Failures' }).click();
  const hold = page.getByRole('region', { name: /hold together/ }).first();
  await expect(hold).toContainText(/Pictures swapped: [\d.]+ % \[[^\]]+\] n = [1-8] follow their picture/);
  const wrong = hold.getByRole('button').first();
  if (await wrong.isVisible()) {
    await wrong.click();
    await expect(page.getByRole('listbox', { name: 'Rows' }).getByRole('option').first()).toBeVisible();
  }
  expect(await faultsInBoth(page)).toEqual([]);
});
