/** What a large dataset leaves in memory, counted: parsed rows, and bytes of index a row and a picture. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fileBlob } from '../../src/cli/file-blob.ts';
import { openDataset, ROWS_KEPT } from '../../src/data/dataset.ts';
import { span } from '../../src/data/row-list.ts';
import { sparseDataset } from './sparse-dataset.ts';

const [rows, pictures, bytes] = [2000, 1500, 5 * 2 ** 30]; // offsets beyond 4 GiB need zip64
let archive: Awaited<ReturnType<typeof sparseDataset>>;
beforeAll(async () => {
  archive = await sparseDataset({ rows, pictures, bytes });
});
afterAll(() => archive.remove());

test('a few rows are held however many are read, and the index is some bytes a row and a picture', async () => {
  const told: string[] = [];
  const file = fileBlob(archive.path);
  expect(file.size).toBeGreaterThan(bytes);
  const dataset = await openDataset('large', [{ path: 'large.zip', file }], {}, { tell: (what) => told.push(what) });
  expect(dataset.report).toMatchObject({
    train: 1800,
    heldout: 200,
    leftOut: 0,
    issueCount: { errors: 0, warnings: 0 },
  });
  expect(dataset.held.rows).toBe(0); // nothing that the scan read is kept
  expect(told).toContain('Checking rows');

  const train = dataset.rows('train');
  for (let from = 0; from < train.length; from += 200) await train.read(span(train, from, from + 200));
  expect((await dataset.select('train', { text: 'number 1799 ' })).length).toBe(1);
  expect(dataset.held.rows).toBe(ROWS_KEPT);
  expect(dataset.held.indexBytes / (rows + pictures)).toBeLessThan(400);
  expect((await train.read([1799]))[0]!.id).toBe('row-1799');
});

test('reading can be ended, and nothing is left open', async () => {
  const file = fileBlob(archive.path);
  const controller = new AbortController();
  const opening = openDataset(
    'large',
    [{ path: 'large.zip', file }],
    {},
    {
      signal: controller.signal,
      tell: (what) => what === 'Checking rows' && controller.abort(),
    },
  );
  await expect(opening).rejects.toMatchObject({ code: 'cancelled' });
});
