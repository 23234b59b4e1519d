/** The scores room in the product: a benchmark by its published file, scored under both readings, compared, written. */
import AxeBuilder from '@axe-core/playwright';
import { readFileSync } from 'node:fs';
import { expect, test, type Page } from '@playwright/test';
import { madeMigBench } from '../tests/data/make-benchmark.ts';

const goTo = (page: Page, name: string) =>
  page
    .getByRole('navigation', { name: 'Rooms' })
    .getByRole('link', { name: new RegExp(`^${name}`) })
    .click();

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
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);

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
