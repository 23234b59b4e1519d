import { expect, test } from 'vitest';
import type { DatasetOptions } from '../../src/data/dataset-ref.ts';
import { rowDigest } from '../../src/data/edits/change.ts';
import type { EditEntry } from '../../src/data/edits/edit-log.ts';
import { datasetDigest } from '../../src/engine/keep/identity.ts';
import { textDigest } from '../../src/store/digest.ts';
import { allRows, llava, open, pngHeader, read } from '../data/make-dataset.ts';

const six = [0, 1, 2, 3, 4, 5];
const files = {
  ...Object.fromEntries(six.map((i) => [`p/${i}.png`, pngHeader(200 + i, 100)])),
  'train.json': six.map((i) => llava('<image>Where?', '[20, 10, 100, 50]', 1, { images: [`p/${i}.png`] })),
};
const digest = async (options?: DatasetOptions) => datasetDigest(await open(files, options));

test('the same rows read alike have the same digest; boxes read in another way, or another split, have another', async () => {
  const natural = { conventions: { list: { space: 'natural', layout: 'xyxy' } } } as const;
  expect(await digest(natural)).toBe(await digest({ ...natural, skipped: { rows: 0, list: [] } }));
  const digests = await Promise.all([
    digest(),
    digest(natural),
    digest({ conventions: { list: { space: 'natural', layout: 'xywh' } } }),
    digest({ conventions: { list: { space: 'thousand', layout: 'xyxy' } } }),
    digest({ ...natural, split: 'files' }),
  ]);
  expect(new Set(digests).size).toBe(digests.length);
});

test('edited rows have another digest than untouched ones, and the same edits the same', async () => {
  const dataset = await open(files, { conventions: { list: { space: 'natural', layout: 'xyxy' } } });
  const [row] = await allRows(dataset);
  const entry = (reason: string, at: number): EditEntry => ({
    kind: 'change',
    at,
    row: row!.id,
    digest: rowDigest(row!),
    change: { kind: 'thought', text: reason },
  });
  const digests = await Promise.all(
    [[], [entry('a', 1)], [entry('a', 2)], [entry('b', 1)]].map(async (edits) =>
      datasetDigest(await dataset.withEdits(edits)),
    ),
  );
  expect(digests[0]).toBe(await datasetDigest(dataset));
  expect(digests[1]).toBe(digests[2]);
  expect(new Set(digests).size).toBe(3);
});

test('an answer from before each file had its own gives the digest that it gave then', async () => {
  const former = { conventions: { list: { space: 'natural', layout: 'xyxy' } } } as const;
  const dataset = await open(files, former);
  expect(dataset.report.options).toEqual(read('train.json', 'list', 'natural'));
  const ids = (['train', 'heldout'] as const).map((split) => {
    const rows = dataset.rows(split);
    return Array.from({ length: rows.length }, (_, i) => rows.id(i)).join('\n');
  });
  const then = JSON.stringify([undefined, undefined, former.conventions.list]);
  expect(await datasetDigest(dataset)).toBe(await textDigest([...ids, then].join('\n\n')));
});

test('an answer for one of two files is another than the same for both', async () => {
  const two = { ...files, 'more.json': files['train.json'] };
  const said = read('train.json', 'list', 'natural').readings!;
  const one = await datasetDigest(await open(two, { readings: said }));
  const both = [...said, ...read('more.json', 'list', 'natural').readings!];
  expect(await datasetDigest(await open(two, { readings: both }))).not.toBe(one);
});
