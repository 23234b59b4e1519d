import { expect, test } from 'vitest';
import type { DatasetOptions } from '../../src/data/dataset-ref.ts';
import { datasetDigest } from '../../src/engine/keep/identity.ts';
import { llava, open, pngHeader } from '../data/make-dataset.ts';

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
