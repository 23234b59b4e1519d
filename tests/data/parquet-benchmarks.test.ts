/** Benchmarks that are published as Parquet, read from files with their columns and types (tools/reference/parquet_benchmarks.py). */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { filesUnder } from '../../src/cli/node-files.ts';
import { openDataset } from '../../src/data/dataset.ts';
import { allRows } from './make-dataset.ts';

async function published(folder: string, title: string, rows: number) {
  const files = await filesUnder(fileURLToPath(new URL(`benchmarks/${folder}`, import.meta.url)));
  const dataset = await openDataset(folder, files, {});
  expect(dataset.report.issues).toEqual([]);
  expect(dataset.report).toMatchObject({ format: title, train: 0, heldout: rows, leftOut: 0, questions: [] });
  expect(dataset.report.benchmarks).toMatchObject({ rows, titles: [title] });
  const all = await allRows(dataset);
  // Pictures are inside the rows, in folders beside them, or in an archive: all of them open.
  for (const { images } of all)
    for (const path of images) expect(await dataset.naturalSize(path), path).toEqual({ width: 200, height: 100 });
  return all;
}

test('BLINK: a sub-task a file, pictures in the rows, as many as a row has', async () => {
  const [one] = await published('BLINK', 'BLINK', 2);
  expect(one).toMatchObject({ id: 'val_Jigsaw_1', task: 'Jigsaw', benchmark: { choice: { letter: 'B', options: 2 } } });
  expect(one!.images).toHaveLength(2);
});

test('MMIU: pictures in folders beside the table', async () => {
  const [one, two] = await published('MMIU', 'MMIU', 2);
  expect(one!.benchmark).toMatchObject({ choice: { letter: 'B', options: 2 } });
  expect(two!.benchmark!.choice!.letter).toBe('A');
  expect(one!.images).toHaveLength(2);
});

test('RefCOCOg of lmms-lab: corner and sides, each phrase a question, its part by the folder', async () => {
  const rows = await published('RefCOCOg', 'RefCOCO/+/g', 2);
  // A folder that is opened itself is in no path, and names the part all the same.
  expect(rows[0]!.task).toBe('RefCOCOg val');
  expect(rows.map(({ benchmark }) => benchmark!.prompt).join()).toMatch(/the cup.*a red cup/s);
  expect(rows[0]!.solution).toEqual([{ image: 0, box: [0.1, 0.1, 0.5, 0.6] }]);
});

test('Ref-L4: pictures in its archive', async () => {
  const [one] = await published('Ref-L4', 'Ref-L4', 1);
  expect(one).toMatchObject({ id: '1', task: 'test', benchmark: { group: 'o365_11' } });
  expect(one!.solution).toEqual([{ image: 0, box: [0.1, 0.1, 0.5, 0.6] }]);
});

test('ODinW-13: boxes by class, and a picture without any', async () => {
  const [one, none] = await published('ODinW-13', 'ODinW-13', 2);
  expect(one).toMatchObject({ task: 'ours', solution: [{ label: 'car', box: [0.1, 0.1, 0.5, 0.6] }] });
  expect(none!.solution).toEqual([]);
});
