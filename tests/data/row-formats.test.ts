/** Every format of rows in every kind of file: the same rows, the same boxes, the same name. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROW_FORMATS } from '../../src/data/formats/table.ts';
import { allRows, open, type Content } from './make-dataset.ts';
import { PUBLISHED } from './published-rows.ts';

type Fields = Readonly<Record<string, unknown>>;

const here = import.meta.dirname;
const formats = JSON.parse(readFileSync(join(here, 'row-formats.json'), 'utf8')) as Record<string, Fields[]>;
const names = Object.keys(formats);

/** Texts as they are, all else as JSON; everything in quotes. */
const csvOf = (rows: readonly Fields[]): string => {
  const keys = Object.keys(rows[0]!);
  const quoted = (value: unknown) =>
    `"${(typeof value === 'string' ? value : JSON.stringify(value)).replaceAll('"', '""')}"`;
  return `\ufeff${[keys.join(','), ...rows.map((row) => keys.map((key) => quoted(row[key])).join(','))].join('\r\n')}\r\n`;
};

/** File and content of the rows of a format, by kind of file. */
const WRITERS: Readonly<Record<string, (name: string) => readonly [string, Content]>> = {
  JSON: (name) => ['rows.json', formats[name]!],
  'JSON Lines': (name) => ['rows.jsonl', formats[name]!.map((row) => JSON.stringify(row)).join('\n')],
  CSV: (name) => ['rows.csv', csvOf(formats[name]!)],
  // As pyarrow writes nested lists and structs (tools/reference/parquet_formats.py).
  Parquet: (name) => [
    'rows.parquet',
    new Uint8Array(readFileSync(join(here, 'row-formats', `${names.indexOf(name)}.parquet`))),
  ],
};

test('the rows cover the formats of questions; those that others publish are in published-forms.test.ts', () => {
  // The plain one is a MIG-Bench row without its task.
  expect([...names, 'question and answer', ...Object.keys(PUBLISHED)].sort()).toEqual([...ROW_FORMATS].sort());
});

/** Each phrase of a reference is a row of its own. */
const phrasesIn = ({ answer }: Fields): number =>
  Array.isArray(answer) && answer.every((each) => typeof each === 'string') ? answer.length : 1;

describe.each(names)('%s', (name) => {
  const count = formats[name]!.reduce((sum, row) => sum + phrasesIn(row), 0);
  test.each(Object.keys(WRITERS))('as %s', async (kind) => {
    const [file, content] = WRITERS[kind]!(name);
    const dataset = await open({ [file]: content });
    const { report } = dataset;
    expect(report.issues).toEqual([]);
    expect(report).toMatchObject({ format: name, leftOut: 0, files: [{ kind, rows: count }] });
    const rows = await allRows(dataset);
    expect(rows).toHaveLength(count);
    for (const { images, solution } of rows) {
      expect(images.at(-1)).toBe('images/b.png');
      expect(solution.map(({ image }) => image)).toEqual([images.length - 1]);
      solution[0]!.box.forEach((v, i) => expect(v).toBeCloseTo([0.1, 0.2, 0.5, 0.6][i]!, 9));
    }
  });
});

test('Parquet in a compression that cannot be read is refused by its name, with the way out', async () => {
  const { report } = await open({
    'rows.parquet': new Uint8Array(readFileSync(join(here, 'row-formats', 'zstd.parquet'))),
  });
  expect(report.issues).toMatchObject([
    { file: 'rows.parquet', reason: 'it cannot be read as Parquet: its compression is ZSTD' },
  ]);
  expect(report.issues[0]!.fix).toContain('snappy');
});

test('CSV: a number is a text where a text is asked for, and JSON in an answer names its boxes', async () => {
  const dataset = await open({
    'rows.csv': [
      'image,question,answer',
      'images/a.png,How many?,12',
      'images/a.png,2,yes',
      `images/a.png,Where?,"{""bbox_2d"": [0.1, 0.2, 0.5, 0.6]}"`,
      `images/a.png,Where else?,"[{""bbox_2d"": [0.1, 0.2, 0.5, 0.6], ""label"": ""cup""}]"`,
    ].join('\n'),
  });
  expect(dataset.report.issues).toEqual([]);
  const rows = (await allRows(dataset)).sort((a, b) => a.source.line - b.source.line);
  expect(rows.map(({ solution }) => solution.map(({ box }) => box))).toEqual([
    [],
    [],
    [[0.1, 0.2, 0.5, 0.6]],
    [[0.1, 0.2, 0.5, 0.6]],
  ]);
  expect(rows[0]!.answer).toEqual([{ type: 'text', text: '12' }]);
});

test('conversations may have the keys of OpenAI', async () => {
  const dataset = await open({
    'rows.json': [
      {
        images: ['images/a.png'],
        conversations: [
          { role: 'user', content: '<image>Where?' },
          { role: 'assistant', content: '(100,200),(500,600)' },
        ],
      },
      { images: ['images/a.png'], conversations: [{ role: 'user' }] },
    ],
  });
  expect((await allRows(dataset))[0]!.solution[0]!.box).toEqual([0.1, 0.2, 0.5, 0.6]);
  expect(dataset.report.issues).toMatchObject([
    { line: 2, field: 'conversations[0].content', reason: 'it is missing' },
  ]);
});

test.each(['messages', 'conversations', 'prompt'])(
  'pictures may be named where they stand in %s, and what the system says beside the turns',
  async (key) => {
    const user = (...content: object[]) => ({ role: 'user', content: [...content, { type: 'text', text: 'Where?' }] });
    const answer = { role: 'assistant', content: '(100,200),(500,600)' };
    const row = (turn: object, more: object = {}) =>
      key === 'prompt' ? { prompt: [turn], completion: [answer], ...more } : { [key]: [turn, answer], ...more };
    const [a, b] = [
      { type: 'image', image: 'images/a.png' },
      { type: 'image_url', image_url: { url: 'images/b.png' } },
    ];
    const dataset = await open({
      'rows.json': [
        row(user(a!, b!)),
        row(user(b!), { system: 'Answer with a box.' }),
        // The list of the row counts.
        row(user({ type: 'image', image: null }), { images: ['images/b.png'] }),
        row(user(b!), { images: ['images/b.png'], system: '' }),
        row(user({ type: 'image', image: 7 })),
        row(user(a!), { images: ['images/b.png'] }),
      ],
    });
    const wrong = dataset.report.issues.filter(({ severity }) => severity === 'error');
    expect(wrong).toMatchObject([
      { line: 5, reason: expect.stringContaining('it should be text, or a list of') },
      { line: 6, reason: 'the turns name images/a.png, the list of pictures images/b.png' },
    ]);
    const rows = (await allRows(dataset)).sort((x, y) => x.source.line - y.source.line);
    expect(rows.map(({ images }) => images)).toEqual([
      ['images/a.png', 'images/b.png'],
      ['images/b.png'],
      ['images/b.png'],
      ['images/b.png'],
    ]);
    expect(rows.map(({ prompt }) => prompt.map(({ role }) => role))).toEqual([
      ['user'],
      ['system', 'user'],
      ['user'],
      ['user'],
    ]);
    expect(rows[1]!.prompt[0]!.content).toEqual([{ type: 'text', text: 'Answer with a box.' }]);
  },
);
