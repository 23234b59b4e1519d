/** Archives and encodings in which rows and pictures come: opened in place, or refused by name. */
import { gzipSync, zipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { openDataset } from '../../src/data/dataset.ts';
import { GroundworkError } from '../../src/base/error.ts';
import { FileSet } from '../../src/data/file-set.ts';
import { ImageLookup } from '../../src/data/image-lookup.ts';
import { gunzip } from '../../src/formats/expansion.ts';
import { readTar } from '../../src/formats/tar.ts';
import { nameEncoding } from '../../src/formats/zip-names.ts';
import { allRows, llava, named, open, pngHeader, type Content } from './make-dataset.ts';
import { bytesSource } from '../formats/bytes-source.ts';

const text = (s: string) => new TextEncoder().encode(s);
const hex = (digits: string) => Uint8Array.from(digits.match(/../g)!, (pair) => Number.parseInt(pair, 16));
const asBytes = (bytes: Uint8Array) => bytes as Uint8Array<ArrayBuffer>;
const row = (path: string, id = 'r') => llava('<image>?', '(1,2),(3,4)', 1, { images: [path], id });
const png = pngHeader(30, 20);

/** A zip whose names are these bytes, without the UTF-8 flag. */
function zipWithNames(files: readonly (readonly [Uint8Array, Uint8Array])[]): Uint8Array<ArrayBuffer> {
  const plain = (i: number, length: number) => `@${i}`.padEnd(length, '~');
  const zip = zipSync(Object.fromEntries(files.map(([name, content], i) => [plain(i, name.length), content])));
  for (const [i, [name]] of files.entries()) {
    const mark = text(plain(i, name.length));
    for (let at = 0; at + mark.length <= zip.length; at++)
      if (mark.every((b, k) => zip[at + k] === b)) zip.set(name, at);
  }
  return asBytes(zip);
}

describe('names of a zip that are no UTF-8', () => {
  test.each([
    ['GBK', '训练/红狐.png', 'd1b5c1b72fbaecbafc2e706e67'],
    ['Shift-JIS', '訓練/赤狐.png', '8c5097fb2f90d48ccf2e706e67'],
    ['code page 437', 'Füchse/größer.png', '46816368 73652f677294e165722e706e67'.replace(' ', '')],
    ['Big5', '訓練/紅狐狸.png', 'b056bd6d2facf5aab0af572e706e67'],
  ])('in %s: the pictures are found, and it is said how the names are read', async (encoding, path, bytes) => {
    const zip = zipWithNames([
      [hex(bytes), png],
      [text('train.json'), text(JSON.stringify([row(path)]))],
    ]);
    const dataset = await openDataset('z', [{ path: 'z.zip', file: new Blob([zip]) }]);
    expect((await allRows(dataset)).map(({ images }) => images)).toEqual([[path]]);
    expect(dataset.report.issues).toMatchObject([{ file: 'z.zip', line: 0, severity: 'warning' }]);
    expect(dataset.report.issues[0]!.reason).toContain(`${encoding}: “${path}”`);
  });

  test('UTF-8 without the flag, as macOS writes it, is no matter for a word', async () => {
    const zip = zipWithNames([
      [text('größer/狐.png'), png],
      [text('train.json'), text(JSON.stringify([row('größer/狐.png')]))],
    ]);
    const dataset = await openDataset('z', [{ path: 'z.zip', file: new Blob([zip]) }]);
    expect(dataset.report.issues).toEqual([]);
    expect(await allRows(dataset)).toHaveLength(1);
  });

  test('Hangul is told from ideographs by enough of it', () => {
    const names = [hex('bbe7c1f82fb0edbee7c0cc2fb5a5c0ccc5cd')]; // 사진/고양이/데이터
    expect(nameEncoding(names).name).toBe('EUC-KR');
    expect(nameEncoding(names).decode(names[0]!)).toBe('사진/고양이/데이터');
  });
});

/** A ustar header with its content, padded. */
function tarEntry(name: string, content: Uint8Array, kind = '0', prefix = ''): Uint8Array {
  const bytes = new Uint8Array(512 + Math.ceil(content.length / 512) * 512);
  bytes.set(text(name));
  bytes.set(text('0000644\0'), 100);
  bytes.set(text(`${content.length.toString(8).padStart(11, '0')}\0`), 124);
  bytes.set(text(`        ${kind}`), 148);
  bytes.set(text('ustar\x0000'), 257);
  bytes.set(text(prefix), 345);
  const sum = bytes.subarray(0, 512).reduce((a, b) => a + b, 0);
  bytes.set(text(`${sum.toString(8).padStart(6, '0')}\0 `), 148);
  bytes.set(content, 512);
  return bytes;
}

const joined = (parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(parts.flatMap((part) => [...part]));
const tar = (...entries: readonly Uint8Array[]) => joined([...entries, new Uint8Array(1024)]);

describe('tar', () => {
  const path = `deep/${'long'.repeat(30)}/fox.png`;
  const pax = text(`${`path=${path}\n`.length + 4} path=${path}\n`);
  const archive = tar(
    tarEntry('x', pax, 'x'),
    tarEntry('cut short', png),
    tarEntry('fox.png', png, '0', 'a/prefix'),
    tarEntry('folder/', new Uint8Array(0), '5'),
    tarEntry('train.json', text(JSON.stringify([row(path, 'a'), row('a/prefix/fox.png', 'b')]))),
  );

  test.each([
    ['data.tar', archive],
    ['data.tar.gz', asBytes(gzipSync(archive))],
    ['data.tgz', asBytes(gzipSync(archive))],
  ])('%s is opened in place: pax names, prefixes and folders', async (name, content) => {
    const dataset = await openDataset('t', named({ [name]: content, 'README.md': 'x' }));
    expect(dataset.report.issues).toEqual([]);
    expect((await allRows(dataset)).map(({ images }) => images[0]).sort()).toEqual([
      'data/a/prefix/fox.png',
      `data/${path}`,
    ]);
    expect((await dataset.image(`data/${path}`)).size).toBe(png.length);
  });

  test('links and paths that leave the archive are refused by name; the rest stays', async () => {
    const dataset = await openDataset(
      't',
      named({
        't.tar': tar(tarEntry('link.png', new Uint8Array(0), '2'), tarEntry('../up.png', png), tarEntry('ok.png', png)),
        'train.json': [row('ok.png')],
      }),
    );
    expect(dataset.report.issues.map(({ file, reason }) => [file, reason])).toEqual([
      ['t.tar/link.png', 'it is a link or a device, not a file'],
      ['t.tar/../up.png', 'its path leaves the archive'],
    ]);
    expect(dataset.report.train).toBe(1);
  });

  test('a damaged archive keeps what came before the damage', async () => {
    const found: string[] = [];
    const damaged = archive.slice();
    damaged.fill(0x41, 512 + 512 * Math.ceil(pax.length / 512) + 512 + 512, 4096);
    const reading = readTar(
      bytesSource(damaged),
      ({ path: each }) => found.push(each),
      () => undefined,
      't',
    );
    await expect(reading).rejects.toBeInstanceOf(GroundworkError);
    expect(found).toEqual([path]);
  });
});

describe('gzip', () => {
  test('train.jsonl.gz is read as train.jsonl; a part is told by the name', async () => {
    const lines = ['one', 'two'].map((id) => JSON.stringify(row('images/a.png', id))).join('\n');
    const dataset = await open({ 'val.jsonl.gz': asBytes(gzipSync(text(lines))) });
    expect(dataset.report).toMatchObject({ heldout: 2, files: [{ path: 'val.jsonl', kind: 'JSON Lines', rows: 2 }] });
  });

  test('a damaged one is refused by name', async () => {
    const { report } = await open({ 'train.jsonl.gz': asBytes(gzipSync(text('x'.repeat(5000))).subarray(0, 20)) });
    expect(report.issues).toMatchObject([{ file: 'train.jsonl.gz', reason: 'train.jsonl.gz: it cannot be unpacked.' }]);
  });
});

describe('what swells when it is unpacked', () => {
  const zeros = new Uint8Array(66 * 2 ** 20);

  test('is refused from a zip before anything is unpacked; small files beside it stay', async () => {
    const zip = zipSync({
      'train.json': text(JSON.stringify([row('a.png')])),
      'a.png': png,
      'more.json': [zeros, { level: 1 }],
    });
    expect(zip.length).toBeLessThan(2 ** 20);
    const dataset = await openDataset('z', [{ path: 'z.zip', file: new Blob([asBytes(zip)]) }]);
    expect(dataset.report).toMatchObject({ train: 1, issues: [{ file: 'more.json' }] });
    expect(dataset.report.issues[0]!.reason).toContain('swells more than 100-fold when unpacked, to 66 MiB');
  });

  test('also where many entries share it', async () => {
    const part = zeros.subarray(0, 10 * 2 ** 20);
    const zip = zipSync(
      Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`${i}.json`, [part, { level: 1 as const }]])),
    );
    const files = new FileSet();
    await files.add([{ path: 'z.zip', file: new Blob([asBytes(zip)]) }]);
    expect(files.count).toBe(6);
    expect(files.issues).toHaveLength(2);
  });

  test('is stopped in a gzip as soon as it is beyond what harms no one', async () => {
    const packed = new Blob([asBytes(gzipSync(zeros, { level: 1 }))]);
    await expect(gunzip(packed, 'rows.jsonl.gz')).rejects.toMatchObject({ code: 'gzip-swells' });
  });
});

const utf16 = (s: string, big = false, mark = true): Uint8Array<ArrayBuffer> => {
  const units = Array.from(mark ? `\ufeff${s}` : s, (c) => c.charCodeAt(0));
  return Uint8Array.from(units.flatMap((u) => (big ? [u >> 8, u & 255] : [u & 255, u >> 8])));
};

describe('UTF-16 is read as what it is', () => {
  const rows = [row('images/a.png', 'fuchs-狐')];
  const csv = 'id,image,question,answer\r\nfuchs-狐,images/a.png,Wo?,"[1, 2, 30, 40]"\r\n';
  const files: readonly (readonly [string, string, Content])[] = [
    ['JSON, little-endian with a mark', 'r.json', utf16(JSON.stringify(rows))],
    ['JSON without a mark', 'r.json', utf16(JSON.stringify(rows), false, false)],
    ['JSON, big-endian without a mark', 'r.json', utf16(JSON.stringify(rows), true, false)],
    ['JSON Lines with the ends of lines of Windows', 'r.jsonl', utf16(`${JSON.stringify(rows[0])}\r\n`)],
    ['CSV', 'r.csv', utf16(csv, true)],
  ];
  test.each(files)('%s', async (_, name, content) => {
    const dataset = await open({ [name]: content });
    expect(dataset.report.issues).toEqual([]);
    expect((await allRows(dataset)).map(({ id }) => id)).toEqual(['fuchs-狐']);
  });

  test('a text of another encoding is named as no UTF-8', async () => {
    const { report } = await open({ 'r.jsonl': hex('7b2261223a2022bac322 7d'.replace(' ', '')) });
    expect(report.issues).toMatchObject([{ line: 1, reason: 'it is not UTF-8' }]);
  });
});

test('NaN and Infinity, as Python writes them, are read as nothing; in a text they stay', async () => {
  const dataset = await open({
    'r.jsonl': '{"image": "images/a.png", "question": "NaN?", "answer": "(1,2),(3,4)", "score": NaN, "low": -Infinity}',
  });
  expect(dataset.report.issues).toEqual([]);
  expect(JSON.stringify((await allRows(dataset))[0]!.prompt)).toContain('NaN?');
});

describe('pictures that are missing among many of one name', () => {
  /** How often paths of files are asked for while every row looks for its picture. */
  async function work(folders: number): Promise<number> {
    const files = new FileSet();
    await files.add(named(Object.fromEntries(Array.from({ length: folders }, (_, i) => [`f${i}/0.png`, png]))));
    let asked = 0;
    const path = files.path.bind(files);
    files.path = (file) => {
      asked++;
      return path(file);
    };
    const lookup = new ImageLookup(files);
    for (let i = 0; i < folders; i++) {
      const found = lookup.find(`missing${i}/0.png`, 'train.json');
      expect(found).toMatchObject({ ok: false, reason: 'ambiguous', count: folders });
      if (!found.ok && found.reason === 'ambiguous') expect(found.candidates).toHaveLength(3);
    }
    return asked;
  }

  test('cost as much for each as among few', async () => {
    const [few, many] = [await work(50), await work(400)];
    expect(many / few).toBeLessThan(10);
  });

  test('a folder in other letters of case is nearer than a name in the same', async () => {
    const dataset = await open({ 'deep/Fox/A.png': png, 'deep/owl/a.png': png, 't.json': [row('fox/a.png')] });
    expect((await allRows(dataset))[0]!.images).toEqual(['deep/Fox/A.png']);
  });
});
