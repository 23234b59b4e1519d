import { strToU8, zipSync } from 'fflate';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { openDataset, type Dataset } from '../../src/data/dataset.ts';
import { HEAT, HealthTally } from '../../src/data/health.ts';
import { span } from '../../src/data/row-list.ts';
import { box01 } from '../../src/grounding/box.ts';
import { llava, open, pngHeader, zipped, type Content, read } from './make-dataset.ts';

const marks = '<image><image><image>';
const box = (numbers: string) => `Image-1: <|box_start|>${numbers}<|box_end|>`;

test('a box is laid over just its cells', () => {
  const tally = new HealthTally();
  const solution = [{ image: 0, box: box01(0, 0, 0.5, 0.25) }];
  tally.add({ task: '', images: ['a'], prompt: [], answer: [], solution, source: { file: '', line: 1 } }, 0, false);
  const { heat } = tally.finish([0], ['train'], [0], ['']);
  expect(heat.reduce((a, b) => a + b)).toBe((HEAT / 2) * (HEAT / 4));
  expect([heat[0], heat[HEAT / 2 - 1], heat[HEAT / 2]]).toEqual([1, 1, 0]);
});

/** Rows by finding. */
async function findingsOf(files: Record<string, Content>) {
  // Nothing is drawn: rows stay where their files put them.
  const dataset = await open(files, { split: 'files', ...read('train.json', 'pairs', 'thousand') });
  expect(dataset.report.issues.filter(({ severity }) => severity === 'error')).toEqual([]);
  const found = Object.fromEntries(dataset.health.findings.map(({ key, rows }) => [key, rows]));
  return { dataset, found };
}

test('what stands out is counted, and leads to its rows', async () => {
  const plain = llava(`${marks}Where?`, box('(100,100),(300,300)'));
  const { dataset, found } = await findingsOf({
    'images/d.png': pngHeader(4000, 100),
    'train.json': [
      { ...plain, id: 'plain' },
      { ...llava(`${marks}Tiny?`, box('(100,100),(101,101)')), id: 'tiny' },
      { ...llava(`${marks}All?`, box('(0,0),(1000,1000)')), id: 'whole' },
      { ...llava(`${marks}Over?`, box('(0,0),(1004,500)')), id: 'clipped' },
      { ...llava(`${marks}Who?`, 'A cat.'), id: 'words' },
      { ...llava(`${marks}Which?`, '<|box_start|>(1,1),(200,200)<|box_end|>'), id: 'guess' },
      { ...llava('<image>Long?', 'Image-1: (1,1),(200,200)', 1, { images: ['images/d.png'] }), id: 'narrow' },
      {
        ...llava('<image><image>Twin?', box('(1,1),(200,200)'), 2, { images: ['images/a.png', 'images/a.png'] }),
        id: 'twice',
      },
      { ...llava(`${marks}Much?`, `${'x'.repeat(5000)} ${box('(1,1),(200,200)')}`), id: 'long' },
    ],
  });
  // The three pictures of the test are copies of each other.
  expect(found).toEqual({
    'copied-picture': 8,
    'same-picture-twice': 1,
    'clipped-box': 1,
    'tiny-box': 1,
    'whole-picture-box': 1,
    'picture-guessed': 1,
    'no-box': 1,
    'long-answer': 1,
    'narrow-picture': 1,
  });
  for (const [finding, id] of [
    ['tiny-box', 'tiny'],
    ['clipped-box', 'clipped'],
    ['narrow-picture', 'narrow'],
    ['same-picture-twice', 'twice'],
  ] as const) {
    const rows = await dataset.select('train', { finding });
    expect([rows.length, rows.id(0)]).toEqual([1, id]);
  }
});

test('pictures and questions on both sides are told, copies of a picture included', async () => {
  const pictures = {
    'images/x.png': pngHeader(50, 50),
    'images/y.png': pngHeader(50, 50),
    'images/z.png': pngHeader(60, 60),
  };
  const row = (id: string, question: string, picture: string) => ({
    ...llava(`<image>${question}`, 'Image-1: (1,1),(200,200)', 1, { images: [`images/${picture}.png`] }),
    id,
  });
  const { dataset, found } = await findingsOf({
    ...pictures,
    'train.json': [row('1', 'Where?', 'x'), row('2', 'Who?', 'z'), row('3', 'Who?', 'z')],
    'heldout.json': [row('4', 'Where?', 'y'), row('5', 'When?', 'y')],
  });
  expect(found).toEqual({ 'picture-leak': 3, 'question-leak': 2, 'repeated-question': 2, 'copied-picture': 3 });
  const drawn = await dataset.reread({ split: 'draw', heldoutShare: 0.5 }, { tell: () => undefined });
  expect(drawn.health.findings.map(({ key }) => key)).toEqual(['repeated-question', 'copied-picture']);
});

test('rows are found by task and by text', async () => {
  const { dataset } = await findingsOf({
    'train.json': [
      { ...llava(`${marks}Where is the Heron?`, box('(1,1),(200,200)')), id: 'a', task: 'one' },
      { ...llava(`${marks}Where is the cat?`, `A heron. ${box('(1,1),(200,200)')}`), id: 'b', task: 'two' },
      { ...llava(`${marks}Where is the dog?`, box('(1,1),(200,200)')), id: 'c', task: 'two' },
    ],
    'heldout.json': [],
  });
  const ids = async (filter: Parameters<typeof dataset.select>[1]) => {
    const rows = await dataset.select('train', filter);
    return Array.from({ length: rows.length }, (_, i) => rows.id(i));
  };
  expect(await ids({ text: 'heron' })).toEqual(['a', 'b']);
  expect(await ids({ text: 'heron', task: 'two' })).toEqual(['b']);
  expect(await ids({ task: 'two' })).toEqual(['b', 'c']);
  expect(await ids({ text: 'nothing of the kind' })).toEqual([]);
});

test('why rows are left out is counted by row: missing and unreadable pictures, boxes outside, the rest', async () => {
  const row = (answer: string, ...images: string[]) =>
    llava('<image>'.repeat(images.length), answer, 1, { images: images.map((name) => `images/${name}.png`) });
  const dataset = await open({
    'images/web.png': '<html>not found</html>',
    'train.json': [
      row('yes', 'a'),
      row('yes', 'gone', 'lost'),
      row('yes', 'lost'),
      row('yes', 'web'),
      row('(1,1),(200,1400)', 'a'),
      row('', 'a'),
      { nothing: 1 },
    ],
  });
  expect(dataset.report).toMatchObject({ train: 1, leftOut: 6 });
  expect(dataset.health.faults.map(({ fault, rows }) => [fault, rows])).toEqual([
    ['picture-missing', 2],
    ['picture-unreadable', 1],
    ['box-outside', 1],
    ['other', 2],
  ]);
});

test('a picture file that is cut off is told before a run comes to it; whole ones are not', async () => {
  const draw = () =>
    sharp({ create: { width: 90, height: 60, channels: 3, background: '#884422', noise: { type: 'gaussian' } } });
  const whole = {
    png: await draw().png().toBuffer(),
    jpg: await draw().jpeg().toBuffer(),
    webp: await draw().webp().toBuffer(),
    gif: await draw().gif().toBuffer(),
  };
  const kinds = Object.entries(whole);
  const rows = kinds.flatMap(([kind]) =>
    ['whole', 'cut'].map((name) => ({
      ...llava('<image>?', 'yes', 1, { images: [`p/${name}.${kind}`] }),
      id: `${name} ${kind}`,
    })),
  );
  const files = Object.fromEntries(
    kinds.flatMap(([kind, bytes]) => [
      [`p/whole.${kind}`, new Uint8Array(bytes)],
      [`p/cut.${kind}`, new Uint8Array(bytes.subarray(0, bytes.length - 200))],
    ]),
  );
  const all = { ...files, 'train.json': rows };
  const { dataset } = await findingsOf(all);
  expect(await withBroken(dataset)).toEqual(['cut png', 'cut jpg', 'cut webp']);
  expect(dataset.health.pictures).toEqual({ total: 8, unchecked: 0, uncheckedBytes: 0 });

  // In a zip they are told of those that were used, and of all after a check.
  const packed = await openZip(all);
  const bytes = Object.values(files).reduce((sum, { length }) => sum + length, 0);
  expect(packed.health.pictures).toEqual({ total: 8, unchecked: 8, uncheckedBytes: bytes });
  expect(await withBroken(packed)).toEqual([]);
  await packed.image('p/cut.jpg');
  await packed.image('p/whole.jpg');
  expect(await withBroken(packed)).toEqual(['cut jpg']);
  expect(cut(packed)).toMatchObject({ rows: 1, severity: 'bad' });
  const told: number[] = [];
  await packed.checkPictures({ tell: (_, done, total) => told.push(done / total) });
  expect(told.at(-1)).toBe(1);
  expect(packed.health.pictures.unchecked).toBe(0);
  expect(await withBroken(packed)).toEqual(['cut png', 'cut jpg', 'cut webp']);
  expect(cut(packed)).toMatchObject({ rows: 3 });
  // Nothing is read twice.
  await packed.checkPictures({ tell: () => told.push(NaN) });
  expect(told.at(-1)).toBe(1);
});

const cut = (dataset: Dataset) => dataset.health.findings.find(({ key }) => key === 'cut-picture');

const openZip = (files: Record<string, Content>) =>
  openDataset('zip', [{ path: 'zip.zip', file: new Blob([zipped(files)]) }], { split: 'files' });

async function withBroken(dataset: Dataset): Promise<string[]> {
  const found = await dataset.select('train', { finding: 'cut-picture' });
  return span(found, 0, found.length).map((i) => found.id(i));
}

test('bytes that changed inside a zip are found by a check, packed or stored; it can be stopped in between', async () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  const pictures = await Promise.all(
    names.map(async (_, i) =>
      sharp({
        create: { width: 90, height: 60, channels: 3, background: { r: i, g: 9, b: 9 }, noise: { type: 'gaussian' } },
      })
        .jpeg()
        .toBuffer(),
    ),
  );
  const rows = names.map((name) => ({ ...llava('<image>?', 'yes', 1, { images: [`p/${name}.jpg`] }), id: name }));
  for (const level of [0, 6] as const) {
    const files = Object.fromEntries(names.map((name, i) => [`p/${name}.jpg`, new Uint8Array(pictures[i]!)]));
    const bytes = zipSync({ ...files, 'train.json': strToU8(JSON.stringify(rows)) }, { level });
    // In the middle of the fifth, behind what a header needs.
    const at = Buffer.from(bytes).indexOf('p/e.jpg') + Math.round(pictures[4]!.length * 0.8);
    bytes[at] = bytes[at]! ^ 0xff;
    const file = new Blob([bytes as Uint8Array<ArrayBuffer>]);
    const dataset = await openDataset('zip', [{ path: 'zip.zip', file }], { split: 'files' });
    expect(dataset.report).toMatchObject({ train: 6, leftOut: 0 });
    const stop = new AbortController();
    const stopped = dataset.checkPictures({ signal: stop.signal, tell: () => stop.abort() });
    await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
    const { unchecked } = dataset.health.pictures;
    expect(unchecked).toBeGreaterThan(0);
    expect(unchecked).toBeLessThan(6);
    await dataset.checkPictures({ tell: () => undefined });
    expect(dataset.health.pictures.unchecked).toBe(0);
    expect(await withBroken(dataset)).toEqual(['e']);
  }
});
