import { expect, test } from 'vitest';
import type { Row } from '../../src/data/row.ts';
import {
  asLmmsEval,
  asVlmEvalKit,
  foreignAnswers,
  lmmsTaskOf,
  matchAnswers,
} from '../../src/evaluate/prediction-files.ts';
import {
  differences,
  firstAnswers,
  headerLine,
  predictionLine,
  readPredictions,
  type Prediction,
  type PredictionHeader,
} from '../../src/evaluate/prediction.ts';

const header: PredictionHeader = {
  groundwork: 'predictions',
  version: 1,
  model: 'm',
  adapter: null,
  dataset: 'd',
  prompt: 'published',
  tokens: null,
  limit: 0,
  seed: 1,
  rows: 2,
  pictures: null,
};
const prediction = (row: string, text = 'é'): Prediction => ({
  row,
  text,
  boxes: [],
  parsed: false,
  refused: false,
  sizes: [],
});

test('a line that was cut off is not read, and the file is gone on with before it', () => {
  const whole = headerLine(header) + predictionLine(prediction('a'));
  const read = readPredictions(whole + predictionLine(prediction('b')).slice(0, 20));
  expect([...read.answers.keys()]).toEqual(['a']);
  expect(read.header).toEqual(header);
  expect(read.wholeBytes).toBe(new TextEncoder().encode(whole).length);
  expect(() => readPredictions(`${headerLine(header)}{"row": 3}\n`)).toThrow('Line 2');
});

test('samples of a row are kept in their order, and one that was drawn again replaces the first', () => {
  const drawn = { ...header, samples: 2, temperature: 0.7 };
  const sample = (n: number, text: string) => predictionLine({ ...prediction('a', text), sample: n });
  const read = readPredictions(headerLine(drawn) + sample(1, 'b') + sample(0, 'a') + sample(1, 'c'));
  expect(read.header).toEqual(drawn);
  expect(read.answers.get('a')!.map(({ text }) => text)).toEqual(['a', 'c']);
  expect(firstAnswers(read.answers).get('a')!.text).toBe('a');
  expect(differences(header, drawn)).toEqual(['samples: none there, 2 now', 'temperature: none there, 0.7 now']);
});

test('a file that was made otherwise is told apart, in words', () => {
  expect(differences(header, header)).toEqual([]);
  expect(differences(header, { ...header, adapter: 'x', limit: 5 })).toEqual([
    'adapter: none there, x now',
    'limit: 0 there, 5 now',
  ]);
});

test('answers of other tools: lists in lists, tables with line breaks in quotes, bare JSON', () => {
  expect(foreignAnswers('[{"id": 7, "response": "x"}]', 'a.json')).toEqual([{ key: '7', by: 'id', text: 'x' }]);
  expect(foreignAnswers('{"doc_id": 0, "filtered_resps": [["y"]], "resps": "no"}\n', 'a.jsonl')[0]!.text).toBe('y');
  expect(foreignAnswers('index\tprediction\n3\t"a ""b""\nc"\n4\td\n', 'a.tsv')).toEqual([
    { key: '3', by: 'index', text: 'a "b"\nc' },
    { key: '4', by: 'index', text: 'd' },
  ]);
  expect(() => foreignAnswers('{"id": 1}', 'a.jsonl')).toThrow('Answer 1 of a.jsonl');
});

const row = (id: string, line: number): Row & { lmmsTask: string } => ({
  lmmsTask: 'f',
  id,
  task: 't',
  split: 'heldout',
  images: [],
  prompt: [],
  answer: [],
  solution: [],
  source: { file: 'f', line },
});

test('rows are found by id, by the number within it, and by their place', () => {
  const rows = [row('groundingme-9', 2), row('groundingme-4', 1)];
  const by = (answer: Parameters<typeof matchAnswers>[0][number]) => matchAnswers([answer], rows);
  expect([...by({ key: '9', by: 'index', text: 'x' }).texts.keys()]).toEqual(['groundingme-9']);
  expect([...by({ key: '0', by: 'doc_id', text: 'x' }).texts.keys()]).toEqual(['groundingme-4']);
  expect(by({ key: '1', by: 'index', text: 'x' }).strangers).toBe(1);
});

test('files for other tools stand in the order of the data set, with its own indices', () => {
  const rows = [row('groundingme-9', 2), row('groundingme-4', 1)];
  const predictions = new Map(rows.map(({ id }) => [id, prediction(id, `${id}\n"q"`)]));
  expect(asVlmEvalKit(rows, predictions).split('\n')[1]).toMatch(/^4\t/);
  expect(foreignAnswers(asVlmEvalKit(rows, predictions), 'v.tsv').map(({ key, text }) => [key, text])).toEqual([
    ['4', 'groundingme-4\n"q"'],
    ['9', 'groundingme-9\n"q"'],
  ]);
  const [file] = asLmmsEval(rows, predictions);
  expect(file!.task).toBe('f');
  // As its own files are: one answer stands without its list, and is not repeated in resps.
  expect(JSON.parse(file!.content.split('\n')[0]!)).toEqual({
    doc_id: 0,
    target: '[]',
    filtered_resps: 'groundingme-4\n"q"',
    input: '',
  });
});

test('a benchmark of several tasks is a file a task, counted within it as lmms-eval counts, also over rows that were left out', () => {
  const blink = (task: string, line: number): Row & { lmmsTask: string } => {
    const one = row(`val_${task}_${line}`, line);
    const benchmark = {
      benchmark: 'blink',
      prompt: 'Which?',
      boxes: [],
      space: 'natural',
      choice: { letter: 'B', options: 2 },
    } as const;
    const source = { file: `${task}/val-00000-of-00001.parquet`, line };
    const placed = { ...one, task, source, benchmark };
    return { ...placed, lmmsTask: lmmsTaskOf(placed) };
  };
  // The second row of Jigsaw could not be read.
  const rows = [blink('Jigsaw', 1), blink('Jigsaw', 3), blink('Multi-view_Reasoning', 1)];
  const files = asLmmsEval(rows, new Map(rows.map(({ id }) => [id, prediction(id, id)])));
  expect(files.map(({ task }) => task)).toEqual(['blink_jigsaw', 'blink_multi_view_reasoning']);
  const read = (content: string) =>
    content
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
  expect(read(files[0]!.content)).toMatchObject([
    { doc_id: 0, target: '(B)' },
    { doc_id: 2, target: '(B)' },
  ]);
  const answers = foreignAnswers(files[1]!.content, 'a.jsonl');
  expect([...matchAnswers(answers, rows, '20260101_samples_blink_multi_view_reasoning.jsonl').texts.keys()]).toEqual([
    'val_Multi-view_Reasoning_1',
  ]);
  expect(() => matchAnswers(answers, rows, 'samples.jsonl')).toThrow('does not say which');
});

test('VLMEvalKit’s table of GroundingME needs every answer, since its scorer goes by place', () => {
  const benchmark = { benchmark: 'groundingMe', prompt: 'p', boxes: [], space: 'natural' } as const;
  const rows = [1, 2].map((n) => ({ ...row(`groundingme-${n}`, n), benchmark }));
  const some = new Map([['groundingme-2', prediction('groundingme-2')]]);
  expect(() => asVlmEvalKit(rows, some)).toThrow('1 of 2 rows have no answer');
});
