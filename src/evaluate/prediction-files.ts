/**
 * Predictions of other tools. In: JSON, JSON Lines or TSV with an id and a text a row, as vLLM scripts, APIs, lmms-eval's
 * sample files and VLMEvalKit's tables have them. Out: files that those two read with their own scorers.
 *
 * lmms-eval (@ 75571cf): `{date}_samples_{task}.jsonl`, a file a task, rows by `doc_id`, counted from 0 in the order of the
 * task's rows; the answer in `filtered_resps`, and in `resps` where that differs, without its lists for one request.
 * VLMEvalKit (@ e8e78f0): a table of the data set's own columns without the picture and with `prediction`, by `index`; TSV
 * is what PRED_FORMAT=tsv makes it read.
 */
import { printed } from '../base/json.ts';
import { parseTable } from '../base/csv.ts';
import { GroundworkError } from '../base/error.ts';
import { byKey } from '../benchmarks/figures.ts';
import { benchmarkNamed } from '../benchmarks/index.ts';
import type { Row } from '../data/row.ts';
import type { Prediction } from './prediction.ts';

type Fields = Readonly<Record<string, unknown>>;

const TEXTS = ['prediction', 'filtered_resps', 'response', 'text', 'output', 'completion', 'answer', 'pred', 'resps'];
const IDS = ['row', 'id', 'question_id', 'index', 'doc_id'];

/** An answer from a rival tool: which row it means, and its text. */
export interface ForeignAnswer {
  /** As the file gives it. */
  readonly key: string;
  /** `doc_id` counts rows from 0; the others name them. */
  readonly by: (typeof IDS)[number];
  readonly text: string;
}

/** lmms-eval's answers are wrapped in lists. */
function textIn(value: unknown): string | null {
  if (typeof value === 'string') return value;
  if (Array.isArray(value) && value.length > 0) return textIn(value[0]);
  return null;
}

function answerIn(value: unknown): ForeignAnswer | null {
  if (typeof value !== 'object' || value === null) return null;
  const fields = value as Fields;
  const by = IDS.find((key) => typeof fields[key] === 'string' || typeof fields[key] === 'number');
  const text = TEXTS.map((key) => textIn(fields[key])).find((each) => each !== null);
  return by === undefined || text === undefined || text === null ? null : { key: printed(fields[by]), by, text };
}

/** Python writes NaN and the infinities as bare words, often among a line's metrics. Outside of strings they become null. */
const plainJson = (text: string): unknown =>
  JSON.parse(text.replace(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g, (part) => (part[0] === '"' ? part : 'null')));

function valuesOf(text: string, isTable: boolean): unknown[] {
  if (isTable) return parseTable(text);
  try {
    const whole = plainJson(text);
    return Array.isArray(whole) ? (whole as unknown[]) : [whole];
  } catch {
    return text
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => {
        try {
          return plainJson(line);
        } catch {
          return null;
        }
      });
  }
}

/** Answers of a file that another tool wrote. Throws `predictions-unreadable`. */
export function foreignAnswers(text: string, file: string): ForeignAnswer[] {
  const values = valuesOf(text, /\.[tc]sv$/i.test(file));
  const answers = values.map(answerIn);
  const bad = answers.indexOf(null);
  if (values.length === 0 || bad >= 0)
    throw new GroundworkError(
      'predictions-unreadable',
      values.length === 0 ? `${file} has no answers.` : `Answer ${bad + 1} of ${file} has no id or no text.`,
      `Each needs one of ${IDS.join(', ')} and one of ${TEXTS.join(', ')}.`,
    );
  return answers as ForeignAnswer[];
}

/** A row as answers find it. */
export type Placed = Pick<Row, 'id' | 'source'> & { readonly lmmsTask: string };

/** The task of lmms-eval that a row is of; of rows that it does not have, their file. */
export const lmmsTaskOf = (row: Pick<Row, 'task' | 'source' | 'benchmark'>): string =>
  benchmarkNamed(row.benchmark?.benchmark ?? '')?.lmmsEval?.task(row.task) ??
  row.source.file
    .split('/')
    .at(-1)!
    .replace(/\.[a-z]+$/i, '');

/** Rows by task, each with its `doc_id`. `rows`: all of the files, not those of a draw. */
function byTask<R extends Placed>(rows: readonly R[]): Map<string, { readonly id: number; readonly row: R }[]> {
  return new Map(
    [...byKey(rows, ({ lmmsTask }) => lmmsTask)].map(([task, mine]) => {
      const ordered = [...mine].sort((a, b) => (a.source.file === b.source.file ? a.source.line - b.source.line : 0));
      // A Parquet file counts its rows, also those that could not be read. Rows of several phrases are counted by these.
      const counted =
        new Set(ordered.map(({ source }) => source.file)).size === 1 &&
        /\.parquet$/i.test(ordered[0]!.source.file) &&
        new Set(ordered.map(({ source }) => source.line)).size === ordered.length;
      return [task, ordered.map((row, place) => ({ id: counted ? row.source.line - 1 : place, row }))];
    }),
  );
}

/** The rows that a file of answers by `doc_id` is of: of several tasks the one that its name says. */
function placesIn(file: string, rows: readonly Placed[]): ReadonlyMap<number, string> {
  const tasks = byTask(rows);
  const name = file.split('/').at(-1)!;
  const named = [...tasks.keys()]
    .filter((task) => name.includes(`_${task}.`) || name.startsWith(`${task}.`))
    .sort((a, b) => b.length - a.length)[0];
  if (named === undefined && tasks.size > 1)
    throw new GroundworkError(
      'predictions-unreadable',
      `The answers of ${name} are counted (doc_id) within one task, and the file does not say which.`,
      `Name it as lmms-eval does, such as 20260101_samples_${[...tasks.keys()][0]}.jsonl.`,
    );
  return new Map((tasks.get(named ?? [...tasks.keys()][0] ?? '') ?? []).map(({ id, row }) => [id, row.id]));
}

/**
 * The row that each answer means: by its id; by an id that ends with it; by its place in its task (`doc_id`). Answers to
 * rows that are not there are counted, not used. `repeated`: rows with several answers that differ; the last counts.
 * Throws `predictions-unreadable` where places are of several tasks and the file names none.
 */
export function matchAnswers(
  answers: readonly ForeignAnswer[],
  rows: readonly Placed[],
  file = '',
): { readonly texts: ReadonlyMap<string, string>; readonly strangers: number; readonly repeated: number } {
  const byId = new Map(rows.map((row) => [row.id, row.id]));
  // GroundingME's ids here are “groundingme-7” for the file's 7.
  for (const { id } of rows) {
    const short = /^(?:groundingme|mc-bench)-(.+)$/.exec(id)?.[1];
    if (short !== undefined && !byId.has(short)) byId.set(short, id);
  }
  const byPlace = answers.some(({ by }) => by === 'doc_id') ? placesIn(file, rows) : new Map<number, string>();
  const texts = new Map<string, string>();
  const several = new Set<string>();
  let strangers = 0;
  for (const { key, by, text } of answers) {
    const id = by === 'doc_id' ? byPlace.get(Number(key)) : byId.get(key);
    if (id === undefined) strangers++;
    else {
      if ((texts.get(id) ?? text) !== text) several.add(id);
      texts.set(id, text);
    }
  }
  return { texts, strangers, repeated: several.size };
}

/** As lmms-eval's sample files: one a task, its rows in their order. `rows`: all of the files, answered or not. */
export function asLmmsEval(
  rows: readonly Row[],
  predictions: ReadonlyMap<string, Prediction>,
): { readonly task: string; readonly content: string }[] {
  const placed = rows.map((row) => ({ ...row, lmmsTask: lmmsTaskOf(row) }));
  return [...byTask(placed)].flatMap(([task, mine]) => {
    const lines = mine.flatMap(({ id, row }) => {
      const answer = predictions.get(row.id);
      if (!answer) return [];
      const { benchmark } = row;
      const target =
        (benchmark && benchmarkNamed(benchmark.benchmark)?.lmmsEval?.target?.(benchmark)) ??
        benchmark?.choice?.letter ??
        JSON.stringify(benchmark?.boxes.map(({ corners }) => corners) ?? []);
      return [
        JSON.stringify({ doc_id: id, target, filtered_resps: answer.text, input: benchmark?.prompt ?? '' }) + '\n',
      ];
    });
    return lines.length ? [{ task, content: lines.join('') }] : [];
  });
}

const tsvCell = (text: string): string => (/["\t\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/**
 * As VLMEvalKit's table. `index` is the data set's own: the number after the benchmark's name in the row's id. Throws
 * `predictions-unreadable` where its scorer goes by place and an answer is missing. `rows`: all of the files.
 */
export function asVlmEvalKit(rows: readonly Row[], predictions: ReadonlyMap<string, Prediction>): string {
  const byPlace = rows.some(({ benchmark }) => benchmarkNamed(benchmark?.benchmark ?? '')?.vlmEvalKit === 'by-place');
  const missing = rows.filter(({ id }) => !predictions.has(id)).length;
  if (byPlace && missing > 0)
    throw new GroundworkError(
      'predictions-unreadable',
      `${missing} of ${rows.length} rows have no answer, and VLMEvalKit’s scorer takes the n-th answer to be of the n-th row.`,
      'Answer all rows, without a limit, and write the table then.',
    );
  const lines = [...rows]
    .sort((a, b) => a.source.line - b.source.line)
    .flatMap((row) => {
      const answer = predictions.get(row.id);
      if (!answer) return [];
      const { benchmark } = row;
      const index = /^groundingme-(.+)$/.exec(row.id)?.[1] ?? row.id;
      const truth =
        benchmark?.choice?.letter ?? (benchmark?.boxes[0] ? `[${benchmark.boxes[0].corners.join(', ')}]` : '');
      return [
        [index, benchmark?.prompt ?? '', truth, row.task, benchmark?.group ?? '', answer.text].map(tsvCell).join('\t'),
      ];
    });
  return [['index', 'question', 'answer', 'subtask_l1', 'subtask_l2', 'prediction'].join('\t'), ...lines, ''].join(
    '\n',
  );
}
