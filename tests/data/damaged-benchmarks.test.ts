/** A benchmark is never trained on, however its file was damaged, cut, packed or joined with other rows. */
import { gzipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { BENCHMARKS, type BenchmarkName } from '../../src/benchmarks/index.ts';
import { listed, llava, open, pngHeader, type Content } from './make-dataset.ts';

type Fields = Record<string, unknown>;
interface Published {
  readonly file: string;
  row(i: number): Fields;
  /** Where its numbers are. */
  readonly numbers: string;
  readonly files?: Record<string, Content>;
}

const box = (i: number) => [20 + i, 10, 100, 60];
const MIG = { images: ['images/a.png', 'images/b.png'], additional_info: '', need_format: true };
const PUBLISHED: Readonly<Partial<Record<BenchmarkName, Published>>> = {
  migBench: {
    file: 'MIG_data.json',
    numbers: 'answer',
    row: (i) => ({
      task: ['region', 'diff', 'multi_view'][i % 3],
      question: `Find thing ${i} in Image-2.`,
      answer: [0.1, 0.2, 0.5 + i / 100, 0.6],
      ...MIG,
    }),
  },
  migBenchRevised: {
    file: 'revised_MIG_bench.json',
    numbers: 'answer',
    row: (i) => ({
      task: 'reasoning',
      question: `Find thing ${i} in Image-1.`,
      answer: [100, 200, 500 + i, 600],
      ...MIG,
    }),
  },
  lisa: {
    file: 'lisa_val.json',
    numbers: 'boxes',
    row: (i) => ({ image_path: 'images/a.png', instruction: `thing ${i}`, boxes: [box(i)] }),
  },
  llmSeg: {
    file: 'LLMSeg_eval.json',
    numbers: 'bbox',
    row: (i) => ({ image_path: 'images/a.png', question: `thing ${i}`, bbox: [box(i)] }),
  },
  reasonVos: {
    file: 'ReasonVOS_eval.json',
    numbers: 'bbox_list',
    row: (i) => ({
      image_list: ['images/a.png', 'images/b.png', 'images/c.png'],
      question: `who ${i}?`,
      bbox_list: ['', '', `[${box(i).join(', ')}]`],
    }),
  },
  revos: {
    file: 'ReVOS_eval.json',
    numbers: 'bbox_list',
    row: (i) => ({ video_id: 'vid', frames: [0, 1, 2], question: `who ${i}?`, bbox_list: [null, null, box(i)] }),
    files: Object.fromEntries([0, 1, 2].map((n) => [`vid/f${n}.jpg`, pngHeader(200, 100)])),
  },
  blink: {
    file: 'val.json',
    numbers: 'choices',
    row: (i) => ({
      idx: `val_Jigsaw_${i}`,
      sub_task: 'Jigsaw',
      question: 'Which?',
      image_1: 'images/a.png',
      image_2: 'images/b.png',
      choices: ['one', 'two'],
      answer: '(A)',
      prompt: `Which of ${i}?\n(A) one\n(B) two`,
    }),
  },
  mmiu: {
    file: 'test.json',
    numbers: 'options',
    row: (i) => ({
      task: 'jigsaw',
      visual_input_component: 'natural image',
      source: 'x',
      options: 'A: left\nB: right',
      question: `Which of ${i}?`,
      context: 'Select.',
      input_image_path: ['./images/a.png', './images/b.png'],
      output: 'B',
    }),
  },
  refCoco: {
    file: 'RefCOCOg/val.json',
    numbers: 'bbox',
    row: (i) => ({
      question_id: `${i}`,
      image: 'images/a.png',
      question: '',
      answer: [`thing ${i}`],
      segmentation: [1],
      bbox: box(i),
      iscrowd: 0,
      file_name: 'a.png',
    }),
  },
  refCocoTsv: {
    file: 'RefCOCO.json',
    numbers: 'bbox_x2',
    row: (i) => ({
      index: i,
      image: 'images/a.png',
      question: `Where is ${i}?`,
      category: 'RefCOCO+ test A',
      bbox_x1: 20,
      bbox_y1: 10,
      bbox_x2: 100,
      bbox_y2: 60,
    }),
  },
  refL4: {
    file: 'ref-l4-test.json',
    numbers: 'bbox',
    row: (i) => ({
      id: `${i}`,
      caption: `thing ${i}`,
      bbox: box(i),
      bbox_area: 9,
      bbox_id: i,
      image_id: 1,
      file_name: 'images/a.png',
      ori_category_id: 'o365_1',
      is_rewrite: false,
      split: 'test',
      height: 100,
      width: 200,
    }),
  },
  odinw: {
    file: 'odinw.json',
    numbers: 'bboxes',
    row: (i) => ({
      image: 'images/a.png',
      dataset_name: 'pothole',
      categories: ['pothole'],
      bboxes: [box(i)],
      labels: ['pothole'],
    }),
  },
  groundingMe: {
    file: 'groundingme.json',
    numbers: 'answer',
    row: (i) => ({
      index: i,
      image: 'images/a.png',
      question: `the cup ${i}`,
      answer: `[${box(i).join(', ')}]`,
      width: 200,
      height: 100,
      subtask_l1: 'Spatial',
      subtask_l2: 'left',
    }),
  },
};

const ROWS = 12;
const json = (rows: readonly unknown[]) => JSON.stringify(rows);
const lines = (rows: readonly unknown[]) => rows.map((row) => JSON.stringify(row)).join('\n');
const utf16 = (text: string) => {
  const bytes = new Uint8Array(2 + 2 * text.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0xfeff, true);
  [...text].forEach((c, i) => view.setUint16(2 + 2 * i, c.charCodeAt(0), true));
  return bytes;
};
const renamed = (row: Fields, key: string): Fields =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name === key ? `${key}_old` : name, value]));
const without = (row: Fields, key: string): Fields =>
  Object.fromEntries(Object.entries(row).filter(([name]) => name !== key));
/** NaN as Python writes it, where a number stood. */
const spoilt = (row: Fields, key: string): string =>
  JSON.stringify({ ...row, [key]: '%' }).replace(
    '"%"',
    JSON.stringify(row[key])
      .replace(/\d+(?:\.\d+)?/, 'NaN')
      .replace(/^"(.*)"$/, '"$1"'),
  );

test('every benchmark that is known by its rows is damaged here', () => {
  expect(Object.keys(PUBLISHED).sort()).toEqual(
    Object.values(BENCHMARKS)
      .filter((each) => 'marks' in each)
      .map(({ name }) => name)
      .sort(),
  );
});

describe.each(Object.entries(PUBLISHED))('%s', (name, { file, row, numbers, files = {} }) => {
  const { title } = BENCHMARKS[name as BenchmarkName];
  const rows = Array.from({ length: ROWS }, (_, i) => row(i));
  const keys = Object.keys(rows[0]!);
  const look = async (content: Content, path = file) => (await open({ [path]: content, ...files })).report;

  test.each<[string, () => Content, string?]>([
    [
      'half of its lines are cut',
      () => rows.map((r, i) => (i % 2 ? json([r]).slice(1, 30) : json([r]).slice(1, -1))).join('\n'),
    ],
    ['the file ends in the middle', () => json(rows).slice(0, 0.7 * json(rows).length)],
    [
      'NaN stands for a number in most rows',
      () => `[${rows.map((r, i) => (i < 9 ? spoilt(r, numbers) : JSON.stringify(r))).join(',')}]`,
    ],
    ['NaN stands for a number in every row', () => `[${rows.map((r) => spoilt(r, numbers)).join(',')}]`],
    ['most rows have lost their solution', () => json(rows.map((r, i) => (i < 10 ? { ...r, [numbers]: null } : r)))],
    ['one row only', () => json([rows[3]])],
    ['ten rows of it', () => json(rows.slice(1, 11))],
    ['it is UTF-16', () => utf16(json(rows))],
    ['keys in another order', () => json(rows.map((r) => Object.fromEntries(Object.entries(r).reverse())))],
    ['further keys', () => json(rows.map((r, i) => ({ ...r, source_split: 'x', note: i })))],
    ['JSON Lines', () => lines(rows)],
    ['it is packed', () => gzipSync(new TextEncoder().encode(json(rows))) as Uint8Array<ArrayBuffer>, `${file}.gz`],
    [
      'pictures that are not there',
      () =>
        json(
          rows.map((r, i) =>
            i % 2 ? r : (JSON.parse(JSON.stringify(r).replaceAll('images/a', 'images/zz')) as Fields),
          ),
        ),
    ],
  ])('%s: none of it is trained on, and it is named', async (_, content, path) => {
    const report = await look(content(), path);
    expect(report).toMatchObject({ train: 0, benchmarks: { titles: [title] } });
    expect(report.questions.filter(({ kind }) => kind !== 'skip')).toEqual([]);
    expect(report.benchmarks.rows).toBe(report.heldout);
  });

  test.each(keys)('“%s” is renamed in a few rows, or missing: they are left out or held out', async (key) => {
    const few = rows.map((r, i) => (i % 3 === 0 ? renamed(r, key) : i % 3 === 1 ? without(r, key) : r));
    const report = await look(json(few));
    expect(report).toMatchObject({ train: 0, benchmarks: { titles: [title] } });
  });

  test.each(keys)('“%s” is renamed in every row: nothing of it is trained on unasked', async (key) => {
    const report = await look(json(rows.map((r) => renamed(r, key))));
    expect(report.train).toBe(0);
  });

  test('joined with rows of one’s own: those are trained on, it is not, and both are counted', async () => {
    const own = Array.from({ length: 30 }, (_, i) => llava(`<image>Where is ${i}?`, 'yes', 1));
    const mixed = [...own.slice(0, 20), ...rows, ...own.slice(20)];
    const report = await look(json(mixed), 'train.json');
    const asked = report.questions.some(({ kind }) => kind === 'benchmark');
    expect(report).toMatchObject({ train: 30, heldout: ROWS, leftOut: 0 });
    expect(report.notes).toContain(
      `train.json holds 12 rows of ${title}, held out, among 30 other rows, read as usual.`,
    );
    // Where the rows alone could be one's own, one is asked; the other way is certain.
    expect(asked).toBe(['lisa', 'llmSeg', 'revos', 'refCoco'].includes(name));
  });

  test('a few rows at the end of a long file of one’s own are found', async () => {
    const own = Array.from({ length: 600 }, (_, i) => llava(`<image>Where is ${i}?`, 'yes', 1));
    const report = await look(lines([...own, ...rows.slice(0, 3)]), 'train.jsonl');
    expect(report).toMatchObject({ train: 600, heldout: 3 });
  });
});

describe('MC-Bench', () => {
  const images = [4, 9, 11, 12].map((id, i) => ({ id, file_name: `images/${'abca'[i]}.png`, width: 200, height: 100 }));
  const annotation = (id: number, text: number, image: number) => ({
    id,
    image_id: image,
    text_id: text,
    category_id: 1,
    bbox: [20, 10, 80, 50],
    iscrowd: 0,
  });
  const description = (id: number, at: number[], positive = true) => ({
    id,
    images_id: at,
    text: `thing ${id}`,
    positive_sample: positive,
    text_style: 'referring',
  });
  const whole = {
    images,
    categories: [{ id: 1, name: 'group 1' }],
    descriptions: [description(7, [4, 9]), description(8, [11, 12]), description(9, [4, 12], false)] as unknown[],
    annotations: [annotation(1, 7, 9), annotation(2, 8, 11)] as unknown[],
  };
  const look = async (change: object) => (await open({ 'mc.json': { ...whole, ...change } })).report;

  test('a description that is damaged does not give its boxes to the next', async () => {
    const dataset = await open({ 'mc.json': { ...whole, descriptions: [null, ...whole.descriptions] } });
    expect(dataset.report).toMatchObject({ train: 0, heldout: 3, leftOut: 1 });
    const [first] = await listed(dataset.rows('heldout'));
    expect(first).toMatchObject({ id: 'mc-bench-7', solution: [{ image: 1 }] });
  });

  test('a row of which a box is lost is left out: it would be judged by what is left', async () => {
    const bad = { ...annotation(3, 7, 4), bbox: [1, null, 2, 3] };
    expect(await look({ annotations: [...whole.annotations, bad] })).toMatchObject({
      train: 0,
      heldout: 2,
      leftOut: 1,
    });
    const lost = { ...annotation(3, 8, 4), image_id: 999 };
    expect(await look({ annotations: [...whole.annotations, lost] })).toMatchObject({
      train: 0,
      heldout: 2,
      leftOut: 1,
    });
    expect(await look({ annotations: whole.annotations.slice(1) })).toMatchObject({ heldout: 2, leftOut: 1 });
  });

  test('without its descriptions, or cut, it is no detection data to train on', async () => {
    expect(await look({ descriptions: undefined })).toMatchObject({ train: 0, heldout: 0 });
    const cut = JSON.stringify(whole).slice(0, -40);
    const { report } = await open({ 'mc.json': cut });
    expect(report).toMatchObject({ train: 0, heldout: 0 });
    expect(report.issues.map(({ reason }) => reason).join()).toContain('MC-Bench');
  });
});

test('RefCOCO’s references are known where the first is damaged, and one without its part is left out', async () => {
  const refs = ['train', 'val', undefined].map((split, i) => ({
    ref_id: i,
    ann_id: 1,
    image_id: 9,
    ...(split && { split }),
    sentences: [{ sent: 'cup' }],
  }));
  const instances = {
    images: [{ id: 9, file_name: 'images/a.png', width: 200, height: 100 }],
    annotations: [{ id: 1, image_id: 9, category_id: 1, bbox: [20, 10, 80, 50], iscrowd: 0 }],
  };
  const { report } = await open({ 'refcoco/refs.json': [{ ref: 1 }, ...refs], 'refcoco/instances.json': instances });
  expect(report).toMatchObject({ train: 1, heldout: 1, leftOut: 1, benchmarks: { titles: ['RefCOCO/+/g'] } });
});

describe('a file of one’s own that resembles a benchmark', () => {
  const mine = Array.from({ length: 12 }, (_, i) => ({
    image_path: 'images/a.png',
    instruction: `thing ${i}`,
    boxes: [box(i)],
  }));

  test('is asked about, held out until it is said, and then what one says', async () => {
    const { report } = await open({ 'mine.json': mine });
    expect(report).toMatchObject({ train: 0, heldout: 12 });
    expect(report.questions).toEqual([{ kind: 'benchmark', file: 'mine.json', title: 'LISA-Grounding', rows: 12 }]);
    const yes = await open({ 'mine.json': mine }, { benchmarks: [{ file: 'mine.json', as: 'benchmark' }] });
    expect(yes.report).toMatchObject({ train: 0, heldout: 12, questions: [] });
    expect(yes.report.id).not.toBe(report.id);
  });

  test('MIG-Bench’s tasks and fractions without its own keys are asked about, and trained on as one’s own', async () => {
    const own = Array.from({ length: 20 }, (_, i) => ({
      task: 'region',
      question: `<image><image>Find ${i} in Image-2.`,
      images: ['images/a.png', 'images/b.png'],
      answer: [0.1, 0.2, 0.3 + i / 100, 0.6],
    }));
    const { report } = await open({ 'train.json': own });
    expect(report).toMatchObject({ train: 0, heldout: 20 });
    expect(report.questions).toMatchObject([{ kind: 'benchmark', title: 'MIG-Bench', rows: 20 }]);
    const said = await open({ 'train.json': own }, { benchmarks: [{ file: 'train.json', as: 'own' }], split: 'files' });
    expect(said.report).toMatchObject({ train: 20, heldout: 0, questions: [], benchmarks: { rows: 0, titles: [] } });
  });

  test.each<[string, (i: number) => Fields]>([
    [
      'a task of its own',
      (i) => ({ task: 'find it', question: `Find ${i}.`, images: ['images/a.png'], answer: [0.1, 0.2, 0.5, 0.6] }),
    ],
    [
      'choices and letters',
      (i) => ({ idx: i, question: `<image>Which of ${i}?`, choices: ['a', 'b'], answer: 'A', image: 'images/a.png' }),
    ],
    ['a box and a phrase', (i) => ({ image: 'images/a.png', question: `Where is ${i}?`, bbox: [20, 10, 100, 60] })],
    [
      'context and options',
      (i) => ({
        question: `<image>Which of ${i}?`,
        context: 'c',
        options: 'A: a',
        answer: 'A',
        images: ['images/a.png'],
      }),
    ],
  ])('is nobody else’s with %s', async (_, row) => {
    const { report } = await open({ 'train.json': Array.from({ length: 20 }, (_, i) => row(i)) }, { split: 'files' });
    expect(report).toMatchObject({ train: 20, heldout: 0, leftOut: 0, benchmarks: { rows: 0, titles: [] } });
    expect(report.questions.filter(({ kind }) => kind === 'benchmark')).toEqual([]);
  });

  test('what may be left of a benchmark’s row, or be one’s own, is held out and asked about', async () => {
    const { row } = PUBLISHED.migBench!;
    const bare = (i: number) => ({
      question: `<image>Where is ${i}?`,
      images: ['images/a.png'],
      answer: [100, 200, 500, 600],
    });
    const files = { 'all.json': [...Array.from({ length: 8 }, (_, i) => row(i)), bare(1), bare(2)] };
    const { report } = await open(files);
    expect(report).toMatchObject({ train: 0, heldout: 10 });
    expect(report.questions).toContainEqual({ kind: 'benchmark', file: 'all.json', title: 'MIG-Bench', rows: 2 });
    const own = await open(files, { benchmarks: [{ file: 'all.json', as: 'own' }], split: 'files' });
    // Those with the benchmark's marks stay held out, whatever is said of the others.
    expect(own.report).toMatchObject({ train: 2, heldout: 8 });
  });

  test('a format that one chooses does not make training rows of a benchmark', async () => {
    const rows = Array.from({ length: 8 }, (_, i) => PUBLISHED.migBench!.row(i));
    const { report } = await open({ 'MIG_data.json': rows }, { format: 'question and answer' });
    expect(report).toMatchObject({ train: 0, heldout: 8 });
  });
});
