/**
 * What a large dataset costs the page and the engine's worker in Chromium: heap before and after it is opened, and
 * after its list was scrolled through. The archive is a sparse file.
 *
 *   npx tsx e2e/harness/large-dataset.ts [rows] [pictures] [GiB]
 */
import { sparseDataset } from '../../tests/data/sparse-dataset.ts';
import { scrollThroughRows, watchHeaps } from './heap.ts';
import { openProduct } from './product.ts';

const [rows = 20_000, pictures = 16_000, gib = 4] = process.argv.slice(2).map(Number);

const archive = await sparseDataset({ rows, pictures, bytes: gib * 2 ** 30 });
const product = await openProduct(Number(process.env.GROUNDWORK_E2E_PORT ?? 4517));
const { page } = product;
const heaps = await watchHeaps(page);
const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1).padStart(7)} MiB`;
const look = async (what: string) => {
  const { page: inPage, workers } = await heaps();
  console.log(`${what.padEnd(28)} page ${mib(inPage)}   workers ${mib(workers)}`);
};
try {
  await page.waitForTimeout(2000);
  await look('before');
  const started = performance.now();
  await page.locator('input[data-pick="file"]').first().setInputFiles(archive.path);
  await page.getByText('large.zip, read as').waitFor({ timeout: 580_000 });
  console.log(`opened in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  await look('opened');
  await scrollThroughRows(page);
  await page.getByRole('article').waitFor();
  await look('scrolled from end to end');
} finally {
  await product.close();
  await archive.remove();
}
