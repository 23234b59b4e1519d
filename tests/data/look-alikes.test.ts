/** Pictures of the held-out part that look like one to train on are found once they were compared, and lead to their rows. */
import sharp, { type Sharp } from 'sharp';
import { expect, test } from 'vitest';
import type { Dataset } from '../../src/data/dataset.ts';
import { span } from '../../src/data/row-list.ts';
import { registerDecoder } from '../../src/image/decode.ts';
import { nodeDecode } from '../../src/image/node-decode.ts';
import { llava, open, read } from './make-dataset.ts';

registerDecoder(nodeDecode);

const drawn = (hue: number) =>
  sharp(
    Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg" width="240" height="180"><rect width="240" height="180" fill="hsl(${hue},30%,70%)"/><circle cx="${40 + (hue % 160)}" cy="${30 + ((3 * hue) % 120)}" r="34" fill="black"/><rect x="${(5 * hue) % 180}" y="${(7 * hue) % 120}" width="60" height="50" fill="white"/></svg>`,
    ),
  );
const row = (id: string, split?: string) => ({
  ...llava('<image>Where?', 'Image-1: <|box_start|>(100,100),(300,300)<|box_end|>', 1, { images: [`p/${id}`] }),
  id,
  ...(split && { split }),
});
const bytes = async (of: Sharp) => new Uint8Array(await of.toBuffer());
const idsOf = async (dataset: Dataset, split: 'train' | 'heldout') => {
  const found = await dataset.select(split, { finding: 'picture-alike' });
  return span(found, 0, found.length).map((i) => found.id(i));
};

test('they are told as not compared, then counted on both sides with their files; what is cut off is told as well', async () => {
  const whole = await bytes(drawn(10).png());
  const dataset = await open(
    {
      'p/a.png': whole,
      'p/b.png': await bytes(drawn(77).png()),
      'p/smaller.jpg': await bytes(drawn(10).resize(120, 90).jpeg({ quality: 70 })),
      'p/new.png': await bytes(drawn(200).png()),
      'p/same.png': whole,
      'p/cut.png': (await bytes(drawn(150).png())).slice(0, 300),
      'train.json': [row('a.png'), row('b.png')],
      'val.json': [row('smaller.jpg'), row('new.png'), row('same.png'), row('cut.png')],
    },
    {
      split: 'files',
      readings: ['train.json', 'val.json'].flatMap((file) => read(file, 'pairs', 'thousand').readings ?? []),
    },
  );
  expect(dataset.report).toMatchObject({ train: 2, heldout: 4 });
  const before = dataset.health;
  // Copies are known by their bytes, and need no comparison.
  expect(before.looks).toEqual({ left: 5, pictures: 0, pairs: [], undecoded: 0 });
  expect(before.findings.map(({ key }) => key)).not.toContain('picture-alike');

  const stop = new AbortController();
  await expect(dataset.compareLooks({ signal: stop.signal, tell: () => stop.abort() })).rejects.toMatchObject({
    code: 'cancelled',
  });
  const { left } = dataset.health.looks!;
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThan(5);

  const told: number[] = [];
  await dataset.compareLooks({ tell: (_, done, total) => told.push(done / total) });
  expect(told.at(-1)).toBe(1);
  expect(dataset.health.looks).toEqual({
    left: 0,
    pictures: 1,
    pairs: [{ heldout: 'p/smaller.jpg', train: 'p/a.png' }],
    undecoded: 1,
  });
  expect(dataset.health.findings).toContainEqual(
    expect.objectContaining({ key: 'picture-alike', rows: 3, severity: 'bad' }),
  );
  expect(await idsOf(dataset, 'heldout')).toEqual(['smaller.jpg', 'same.png']);
  expect(await idsOf(dataset, 'train')).toEqual(['a.png']);
});

test('a dataset of one part has nothing to compare', async () => {
  const dataset = await open(
    { 'p/a.png': await bytes(drawn(10).png()), 'train.json': [row('a.png')] },
    { split: 'files', ...read('train.json', 'pairs', 'thousand') },
  );
  expect(dataset.health.looks).toBeNull();
});
