/** A dataset of 50,000 rows and 10 GiB of pictures in the product: what it leaves on the heaps of page and worker. */
import { expect, test } from '@playwright/test';
import { sparseDataset } from '../tests/data/sparse-dataset.ts';
import { scrollThroughRows, watchHeaps, type Heaps } from './harness/heap.ts';

const [rows, pictures, bytes] = [50_000, 10_000, 10 * 2 ** 30];
const MIB = 2 ** 20;
const inMib = (n: number) => `${(n / MIB).toFixed(1)} MiB`;

let archive: Awaited<ReturnType<typeof sparseDataset>>;
test.beforeAll(async () => {
  archive = await sparseDataset({ rows, pictures, bytes });
});
test.afterAll(() => archive.remove());

test.use({ trace: 'off' }); // it would keep every state of the page

test('50,000 rows and 10 GiB of pictures are opened and looked through in a few megabytes', async ({ page }) => {
  test.setTimeout(900_000);
  const heaps = await watchHeaps(page);
  await page.goto('/#/data');
  await expect(page.getByRole('group', { name: 'Drop a dataset' })).toBeVisible();
  const before = await heaps();
  await page.locator('input[data-pick="file"]').first().setInputFiles(archive.path);
  await expect(page.getByText('large.zip, read as')).toBeVisible({ timeout: 600_000 });
  const opened = await heaps();
  await scrollThroughRows(page);
  await expect(page.getByRole('article')).toHaveAccessibleName('Row row-44999');
  const scrolled = await heaps();
  const mib = ({ page: inPage, workers }: Heaps) => `page ${inMib(inPage)}, workers ${inMib(workers)}`;
  console.log(`before: ${mib(before)}; opened: ${mib(opened)}; scrolled from end to end: ${mib(scrolled)}`);
  // The rows' text alone has 28.7 MiB, and as objects several times that; what stays is their index.
  expect(before.workers).toBeGreaterThan(0);
  expect(opened.page - before.page).toBeLessThan(8 * MIB);
  expect(scrolled.page - before.page).toBeLessThan(20 * MIB);
  expect(opened.workers - before.workers).toBeLessThan(18 * MIB);
  expect(scrolled.workers - before.workers).toBeLessThan(20 * MIB);
});
