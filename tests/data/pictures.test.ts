/** How rows name pictures, and what is said of files that are none. */
import { describe, expect, test } from 'vitest';
import { openDataset } from '../../src/data/dataset.ts';
import { allRows, llava, open, pngHeader, type Content } from './make-dataset.ts';

const about = (path: string) => llava('<image>?', 'yes', 1, { images: [path] });
const png = pngHeader(30, 20);

describe('a picture is found', () => {
  test.each([
    ['by its path', 'deep/down/x y.png'],
    ['by an absolute path of another machine', '/home/someone/data/down/x y.png'],
    ['by a path of Windows', 'C:\\Users\\someone\\down\\x y.png'],
    ['by an address of a file', 'file:///data/down/x y.png'],
    ['from a folder above', '../down/x y.png'],
    ['in other letters of case', 'Down/X Y.PNG'],
    ['percent-encoded', 'down/x%20y.png'],
  ])('%s', async (_, path) => {
    const dataset = await open({ 'deep/down/x y.png': png, 'deep/other/x y.png': png, 'train.json': [about(path)] });
    expect(dataset.report.issues).toEqual([]);
    expect((await allRows(dataset))[0]!.images).toEqual(['deep/down/x y.png']);
  });

  test('with accents written apart, as macOS does, or together', async () => {
    const [together, apart] = ['caf\u00e9.png', 'cafe\u0301.png'];
    const dataset = await open({
      [`images/${apart}`]: png,
      [`other/na\u00efve.png`]: png,
      'train.json': [about(`images/${together}`), about('other/nai\u0308ve.png')],
    });
    expect(dataset.report.issues).toEqual([]);
    expect((await allRows(dataset)).map(({ images }) => images[0]).sort()).toEqual([
      `images/${apart}`,
      'other/na\u00efve.png',
    ]);
  });

  test('by a name that really has a percent sign', async () => {
    const dataset = await open({
      'p/100%.png': png,
      'p/a%20b.png': png,
      'p/a b.png': png,
      'train.json': [about('p/100%.png'), about('p/a%20b.png')],
    });
    expect((await allRows(dataset)).map(({ images }) => images[0]).sort()).toEqual(['p/100%.png', 'p/a%20b.png']);
  });
});

test('the same name in two folders: the nearer path decides, a bare name is reported with both', async () => {
  const dataset = await open({
    'a/same.png': png,
    'b/same.png': png,
    'b/train.json': [about('same.png')],
    'train.json': [about('a/same.png'), about('same.png')],
  });
  expect((await allRows(dataset)).map(({ images }) => images[0]).sort()).toEqual(['a/same.png', 'b/same.png']);
  expect(dataset.report.issues).toMatchObject([{ file: 'train.json', line: 2, field: 'images[0]' }]);
  expect(dataset.report.issues[0]!.reason).toContain('a/same.png, b/same.png');
});

const latin = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));

test.each<[string, Content, string, string]>([
  ['HEIC', latin('\0\0\0\x18ftypheic\0\0\0\0mif1heic'), 'is a HEIC picture', 'JPEG'],
  ['AVIF', latin('\0\0\0\x1cftypavif\0\0\0\0avifmif1'), 'is truncated or damaged', 'Copy'],
  ['TIFF', latin('II*\0\x08\0\0\0\0\0\0\0\0\0'), 'is truncated or damaged', 'Copy'],
  [
    'a camera’s raw',
    latin('II*\0\x08\0\0\0\x01\0\x06\x01\x03\0\x01\0\0\0\x23\x80\0\0'),
    'is a TIFF or raw picture',
    'PNG',
  ],
  ['JPEG XL', latin('\xff\x0a\xfa\x7f\x01\x90\x08\x06\x01\0\0\0'), 'is a JPEG XL picture', 'JPEG'],
  [
    'a Git LFS pointer',
    'version https://git-lfs.github.com/spec/v1\noid sha256:0\n',
    'is a Git LFS pointer',
    'git lfs pull',
  ],
  ['a drawing', '<svg xmlns="http://www.w3.org/2000/svg"/>', 'is an SVG drawing', 'PNG'],
  ['a web page', '<!DOCTYPE html><title>404</title>', 'is a web page', 'Download'],
  ['a cut PNG', png.slice(0, 20), 'is truncated or damaged', 'again'],
  ['nothing', '', 'is empty', 'again'],
  ['anything else', 'hello, this is text', 'is not a readable picture', 'PNG'],
])(
  '%s in place of a picture is told by its content, once, and the row is left out',
  async (_, content, reason, fix) => {
    const box = llava('<image>Where?', '[0.1, 0.2, 0.5, 0.6]', 1, { images: ['images/odd.png'] });
    const dataset = await open({ 'images/odd.png': content, 'train.json': [box, about('images/a.png')] });
    expect(dataset.report).toMatchObject({ leftOut: 1, train: 1 });
    expect(dataset.report.issues).toMatchObject([{ line: 1, field: 'images[0]', severity: 'error' }]);
    expect(dataset.report.issues[0]!.reason).toContain(`images/odd.png ${reason}`);
    expect(dataset.report.issues[0]!.fix).toContain(fix);
  },
);

test('a picture inside a row is decoded from the row as it was read, not from its file again', async () => {
  let taken = 0;
  class Counted extends Blob {
    override slice(start = 0, end = this.size): Blob {
      taken += Math.max(0, Math.min(end, this.size) - start);
      return super.slice(start, end);
    }
  }
  const lines = Array.from({ length: 200 }, (_, i) => {
    const bytes = Buffer.concat([pngHeader(20 + i, 10), Buffer.alloc(6000, i)]).toString('base64');
    return JSON.stringify(llava('<image>?', 'yes', 1, { images: [`data:image/png;base64,${bytes}`] }));
  });
  const file = new Counted([lines.join('\n')]);
  const dataset = await openDataset('test', [{ path: 'train.jsonl', file }]);
  expect(dataset.report).toMatchObject({ leftOut: 0, images: 200 });
  // Once for what the file is, once for its boxes, once for its rows.
  expect(taken).toBeLessThan(3.2 * file.size);
});

test('a picture too large to decode is left out when the dataset is opened, and a heavy one is told', async () => {
  const dataset = await open({
    'claimed.png': pngHeader(60_000, 60_000),
    'real.png': pngHeader(30_000, 30_000),
    'heavy.png': pngHeader(16_000, 16_000),
    'usual.png': pngHeader(4000, 3000),
    'train.json': [about('claimed.png'), about('real.png'), about('heavy.png'), about('usual.png')],
  });
  expect(dataset.report.issues.map(({ severity, reason, fix }) => [severity, reason, fix])).toEqual([
    [
      'error',
      'claimed.png has 60,000 × 60,000 pixels, more than can be decoded',
      expect.stringContaining('268 million'),
    ],
    ['error', 'real.png has 30,000 × 30,000 pixels, more than can be decoded', expect.stringContaining('268 million')],
    ['warning', 'heavy.png has 16,000 × 16,000 pixels, and takes about 1.8 GB of memory to decode', expect.anything()],
  ]);
  expect((await allRows(dataset)).map(({ images }) => images[0])).toEqual(['heavy.png', 'usual.png']);
});
