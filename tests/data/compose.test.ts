/** Of COCO's annotations, rows of several pictures: without a doubt about the answer, and the same from the same seed. */
import { expect, test } from 'vitest';
import type { Compose, ComposedKind, DatasetOptions } from '../../src/data/dataset-ref.ts';
import { writtenRows } from '../../src/data/written-rows.ts';
import { allRows, open, pngHeader } from './make-dataset.ts';

const NAMES = ['cat', 'dog', 'cup', 'bus', 'hat', 'pen', 'key', 'jar'];
const box = [10, 10, 40, 30];

interface Sheet {
  /** Of each picture, its categories by number. */
  readonly pictures: readonly (readonly number[])[];
  readonly extra?: readonly object[];
  readonly image?: (i: number) => object;
  readonly name?: string;
}

function sheet({ pictures, extra = [], image = () => ({}), name = 'set.json' }: Sheet) {
  const images = pictures.map((_, i) => ({ id: i + 1, file_name: `p/${i}.png`, width: 200, height: 100, ...image(i) }));
  const annotations = pictures
    .flatMap((kinds, i) => kinds.map((category_id) => ({ image_id: i + 1, category_id, bbox: box })))
    .map((each, i) => ({ id: 1000 + i, ...each }));
  const categories = NAMES.map((each, id) => ({ id, name: each }));
  return {
    ...Object.fromEntries(pictures.map((_, i) => [`p/${i}.png`, pngHeader(200, 100)])),
    [name]: { images, annotations: [...annotations, ...extra], categories },
  };
}

const made = (kinds: readonly ComposedKind[], change: Partial<Compose> = {}): DatasetOptions => ({
  compose: { kinds, pictures: 3, rows: 30, seed: 1, ...change },
});
/** Pictures of one, two or three things each, no two kinds always together. */
const mixed = Array.from({ length: 60 }, (_, i) => {
  const first = i % 8;
  return i % 3 === 0 ? [first] : i % 3 === 1 ? [first, (first + 3) % 8] : [first, (first + 5) % 8, (first + 5) % 8];
});
const kindsIn = (path: string, pictures: readonly (readonly number[])[]) => pictures[Number(/\d+/.exec(path)![0])]!;
const indexOf = (label: string) => NAMES.indexOf(label);

test('a thing is looked for where exactly one picture has one of it', async () => {
  const dataset = await open(sheet({ pictures: mixed }), made(['find']));
  const rows = await allRows(dataset);
  expect(rows).toHaveLength(30);
  for (const { images, solution, task } of rows) {
    expect(task).toBe('find');
    expect(new Set(images).size).toBe(3);
    expect(solution).toHaveLength(1);
    const { image, label } = solution[0]!;
    const held = images.map((path) => kindsIn(path, mixed).filter((kind) => kind === indexOf(label!)).length);
    expect(held.map((n, i) => (i === image ? n : n * 10))).toEqual([0, 1, 2].map((i) => (i === image ? 1 : 0)));
  }
  // The picture is not always at the same place.
  expect(new Set(rows.map(({ solution }) => solution[0]!.image)).size).toBe(3);
});

test('what is common is the only kind in all pictures, with one box in each', async () => {
  const rows = await allRows(await open(sheet({ pictures: mixed }), made(['common'])));
  expect(rows.length).toBeGreaterThan(5);
  for (const { images, solution } of rows) {
    expect(solution.map(({ image }) => image)).toEqual([0, 1, 2]);
    const sets = images.map((path) => new Set(kindsIn(path, mixed)));
    const shared = [...sets[0]!].filter((kind) => sets.every((set) => set.has(kind)));
    expect(shared).toEqual([indexOf(solution[0]!.label!)]);
  }
});

test('a count is that of all pictures together', async () => {
  const rows = await allRows(await open(sheet({ pictures: mixed }), made(['count'])));
  expect(rows).toHaveLength(30);
  for (const { images, prompt, answer, solution } of rows) {
    expect(solution).toEqual([]);
    const name = /“(\w+)”/.exec(JSON.stringify(prompt))![1]!;
    const number = images.flatMap((path) => kindsIn(path, mixed)).filter((kind) => kind === indexOf(name)).length;
    expect(answer).toEqual([{ type: 'text', text: String(number) }]);
    expect(number).toBeGreaterThan(0);
  }
});

test('crowds, boxes that are none and pictures without annotations make no row doubtful', async () => {
  // Cats: one clear, one beside a crowd of cats, one without an area; pictures 3 to 5 say nothing, 6 and 7 have dogs.
  const pictures = [[0], [0], [], [], [], [], [1], [1]];
  const extra = [
    { id: 1, image_id: 2, category_id: 0, bbox: [0, 0, 90, 90], iscrowd: 1 },
    { id: 2, image_id: 3, category_id: 0, bbox: [5, 5, 0, 9] },
  ];
  const dataset = await open(sheet({ pictures, extra }), made(['find', 'count'], { rows: 50, pictures: 2 }));
  const rows = await allRows(dataset);
  expect(rows.length).toBeGreaterThan(0);
  for (const { images, prompt } of rows) {
    for (const empty of ['p/3.png', 'p/4.png', 'p/5.png']) expect(images).not.toContain(empty);
    if (/cat/.test(JSON.stringify(prompt))) {
      expect(images).not.toContain('p/1.png');
      expect(images).not.toContain('p/2.png');
    }
  }
  expect(dataset.report.ledger).toMatchObject([
    { key: 'rows-composed', rows: rows.length },
    { key: 'crowd-skipped', count: 1 },
    { key: 'picture-without-boxes', count: 3 },
  ]);
  expect(dataset.report.issues).toMatchObject([{ reason: expect.stringMatching(/of 50 rows could be composed/) }]);
});

test('of LVIS, a picture lacks only what it is said to lack', async () => {
  const pictures = [[0], [1], [1], [1], [1]];
  const image = (i: number) => ({ neg_category_ids: i === 3 ? [0] : [], not_exhaustive_category_ids: [] });
  const rows = await allRows(
    await open(sheet({ pictures, image }), made(['find', 'common'], { pictures: 2, rows: 9 })),
  );
  expect(rows.map(({ images }) => [...images].sort())).toEqual([['p/0.png', 'p/3.png']]);
});

test('no picture is in both parts, and the parts are those of the file where its name says so', async () => {
  const dataset = await open(sheet({ pictures: mixed }), { ...made(['find', 'count']), heldoutShare: 0.2 });
  expect([dataset.report.train, dataset.report.heldout]).toEqual([24, 6]);
  const rows = await allRows(dataset);
  const of = (part: string) => new Set(rows.filter(({ split }) => split === part).flatMap(({ images }) => images));
  expect([...of('train')].filter((path) => of('heldout').has(path))).toEqual([]);
  const val = await open(sheet({ pictures: mixed, name: 'instances_val.json' }), made(['find']));
  expect([val.report.train, val.report.heldout]).toEqual([0, 30]);
});

test('a seed gives the same rows again, another seed others; and they know what they are made of', async () => {
  const rowsOf = async (seed: number) =>
    allRows(await open(sheet({ pictures: mixed }), made(['find', 'common', 'count'], { seed })));
  const [first, again, other] = [await rowsOf(4), await rowsOf(4), await rowsOf(5)];
  expect(again).toEqual(first);
  expect(other.map(({ images }) => images)).not.toEqual(first.map(({ images }) => images));
  for (const { provenance, images } of first) {
    expect(provenance!.images.map((id) => `p/${Number(id) - 1}.png`)).toEqual(images);
    expect(provenance!.seed).toBe(4);
  }
});

test('the choice is taken back, and asked for anew, without opening the files again', async () => {
  const dataset = await open(sheet({ pictures: mixed }));
  const progress = { tell: () => undefined };
  const composed = await dataset.reread({ ...dataset.report.options, ...made(['find']) }, progress);
  expect(composed.report).toMatchObject({ format: 'COCO, composed', options: made(['find']) });
  expect(composed.report.id).not.toBe(dataset.report.id);
  const { compose: _, ...plain } = composed.report.options;
  expect((await composed.reread(plain, progress)).report.format).toBe('COCO');
});

test('written rows are read as the rows that they were', async () => {
  const files = sheet({ pictures: mixed });
  const dataset = await open(files, made(['find', 'common', 'count']));
  let text = '';
  for await (const line of writtenRows(dataset.rows('train'))) text += line;
  const { 'set.json': _, ...pictures } = files;
  const read = await open({ ...pictures, 'train.jsonl': text }, { split: 'files' });
  expect(read.report).toMatchObject({ format: 'ms-swift grounding + ShareGPT messages', leftOut: 0, questions: [] });
  const [before, after] = [await dataset.rows('train').read([0, 1, 2]), await read.rows('train').read([0, 1, 2])];
  for (const [i, row] of after.entries()) {
    expect(row).toMatchObject({ id: before[i]!.id, images: before[i]!.images, prompt: before[i]!.prompt });
    expect(row.solution).toEqual(before[i]!.solution);
    expect(row.answer).toEqual(before[i]!.answer);
  }
});
