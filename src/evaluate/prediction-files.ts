/**
 * Predictions of other tools. In: JSON, JSON Lines or TSV with an id and a text a row, as vLLM scripts, APIs, lmms-eval's
 * sample files and VLMEvalKit's tables have them. Out: files that those two read with their own scorers.
 *
 * lmms-eval (@ 75571cf): `{date}_samples_{task}.jsonl`, rows by `doc_id`, counted from 0 in the order of the file; answers
 * in `filtered_resps` and `resps`, a list within a list for one request. VLMEvalKit (@ e8e78f0): a table of the data set's
 * own columns without the picture and with `prediction`, by `index`; TSV is what PRED_FORMAT=tsv makes it read.
 */
import { printed } from '../base/json.ts';
import { parseTable } from '../base/csv.ts';
import { GroundworkError } from '../base/error.ts';
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

/**
 * The row that each answer means: by its id; by an id that ends with it; by its place in the file (`doc_id`). Answers to
 * rows that are not there are counted, not used. `repeated`: rows with several answers that differ; the last counts.
 */
export function matchAnswers(
  answers: readonly ForeignAnswer[],
  rows: readonly Pick<Row, 'id' | 'source'>[],
): { readonly texts: ReadonlyMap<string, string>; readonly strangers: number; readonly repeated: number } {
  const byId = new Map(rows.map((row) => [row.id, row.id]));
  // GroundingME's ids here are “groundingme-7” for the file's 7.
  for (const { id } of rows) {
    const short = /^(?:groundingme|mc-bench)-(.+)$/.exec(id)?.[1];
    if (short !== undefined && !byId.has(short)) byId.set(short, id);
  }
  const byPlace = [...rows].sort((a, b) => a.source.line - b.source.line);
  const texts = new Map<string, string>();
  const several = new Set<string>();
  let strangers = 0;
  for (const { key, by, text } of answers) {
    const id = by === 'doc_id' ? byPlace[Number(key)]?.id : byId.get(key);
    if (id === undefined) strangers++;
    else {
      if ((texts.get(id) ?? text) !== text) several.add(id);
      texts.set(id, text);
    }
  }
  return { texts, strangers, repeated: several.size };
}

/** As lmms-eval's sample file: rows in the order of the data set's file. */
export function asLmmsEval(rows: readonly Row[], predictions: ReadonlyMap<string, Prediction>): string {
  const ordered = [...rows].sort((a, b) => a.source.line - b.source.line);
  return ordered
    .flatMap((row, place) => {
      const answer = predictions.get(row.id);
      if (!answer) return [];
      const target =
        row.benchmark?.choice?.letter ?? JSON.stringify(row.benchmark?.boxes.map(({ corners }) => corners) ?? []);
      return [
        JSON.stringify({
          doc_id: place,
          target,
          input: row.benchmark?.prompt ?? '',
          resps: [[answer.text]],
          filtered_resps: [answer.text],
        }) + '\n',
      ];
    })
    .join('');
}

const tsvCell = (text: string): string => (/["\t\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** As VLMEvalKit's table. `index` is the data set's own: the number after the benchmark's name in the row's id. */
export function asVlmEvalKit(rows: readonly Row[], predictions: ReadonlyMap<string, Prediction>): string {
  // Its scorer of GroundingME goes by place, not by index.
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
