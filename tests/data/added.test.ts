/** A dataset that is added to another changes no path, no row and no reading of the first. */
import { expect, test } from 'vitest';
import { openDataset } from '../../src/data/dataset.ts';
import { allRows, llava, named, pngHeader, zipped } from './make-dataset.ts';

const row = (id: string) => llava('<image>Find it.', '(0.1,0.2),(0.3,0.4)', 1, { images: ['images/a.png'], id });
const first = { 'images/a.png': pngHeader(200, 100), 'train.json': [row('one'), row('two')] };
const second = { 'images/a.png': pngHeader(64, 64), 'train.json': [row('one'), row('three')] };
const archive = (files: object) => new Blob([zipped(files as Record<string, string>)]);

test('a zip opened alone keeps its paths when another comes beside it', async () => {
  const alone = await openDataset('first', [{ path: 'first.zip', file: archive(first) }]);
  const both = await openDataset('both', [
    { path: 'first.zip', file: archive(first) },
    { path: 'second.zip', file: archive(second), added: 1 },
  ]);
  expect(both.report.files.map(({ path }) => path)).toEqual(['train.json', 'second/train.json']);
  const [before, after] = [await allRows(alone), await allRows(both)];
  expect(after).toHaveLength(4);
  for (const each of before) expect(after.find(({ id }) => id === each.id)?.images).toEqual(each.images);
  // Pictures are looked for beside the rows first.
  const added = after.filter(({ source }) => source.file === 'second/train.json');
  expect(added.map(({ images }) => images)).toEqual([['second/images/a.png'], ['second/images/a.png']]);
  expect(new Set(after.map(({ id }) => id)).size).toBe(4);
});

test('files that were dropped together are as they would be apart', async () => {
  const under = named(second as Record<string, object>).map(({ path, file }) => ({
    path: `more/${path}`,
    file,
    added: 1,
  }));
  const both = await openDataset('both', [...named(first as Record<string, object>), ...under]);
  expect(both.report.files.map(({ path }) => path)).toEqual(['train.json', 'more/train.json']);
  expect(both.report.train + both.report.heldout).toBe(4);
});
