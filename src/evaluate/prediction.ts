/**
 * Answers of a model to rows, as a file: JSON Lines, first a line that says what they were made with, then a line an
 * answer. The file grows while a model answers, and one that was interrupted is gone on with.
 */
import { printed } from '../base/json.ts';
import * as v from 'valibot';
import { GroundworkError } from '../base/error.ts';
import type { Size } from '../grounding/box.ts';
import type { ParsedBox } from '../grounding/parse.ts';
import type { PictureBudget } from '../models/picture-budget.ts';
import type { PromptSettings } from '../train/prompt.ts';

export interface Prediction {
  /** Id of the row. */
  readonly row: string;
  readonly text: string;
  /** The boxes of the answer in the space that the model declares; null: whose answer this is declares none. */
  readonly boxes: readonly ParsedBox[] | null;
  readonly parsed: boolean;
  /** The answer says that there is nothing to find. */
  readonly refused: boolean;
  /** Pixels of the row's picture files. */
  readonly sizes: readonly Size[];
  /** Boxes that the thought names, in the same space. Absent: there are none. */
  readonly thoughtBoxes?: readonly ParsedBox[];
  /** The answer after the row's pictures had changed places (grounding/picture-swap.ts). Absent: it was not asked again. */
  readonly swapped?: { readonly text: string; readonly boxes: readonly ParsedBox[] };
  /** Which of the row's samples it is, from 0, where several were drawn. */
  readonly sample?: number;
}

/** What a file's answers were made with. */
export interface PredictionHeader {
  readonly groundwork: 'predictions';
  readonly version: 1;
  readonly model: string;
  readonly adapter: string | null;
  /** The id of the dataset's reading. */
  readonly dataset: string;
  /** Asked as the published script asks, or in the dataset's own words. */
  readonly prompt: 'published' | 'own';
  /** Longest answer; null: that of each benchmark. */
  readonly tokens: number | null;
  /** Rows drawn, of how many, and the seed of the draw; 0: all. */
  readonly limit: number;
  readonly seed: number;
  readonly rows: number;
  /** How the model's processor limits pictures. */
  readonly pictures: { readonly minPixels: number; readonly maxPixels: number } | null;
  /** The picture budget that it was asked under; absent: as the checkpoint's files say. */
  readonly budget?: PictureBudget;
  /** Answers drawn for each row, and at which temperature. Both are absent where each row has its likeliest answer. */
  readonly samples?: number;
  readonly temperature?: number;
  /** Rows were asked again with their pictures swapped. */
  readonly swap?: true;
  /** The prompt of a recipe that was put around rows that are asked in their own words, and the seed that draws its forms. */
  readonly recipe?: { readonly name: string; readonly seed: number; readonly prompt: PromptSettings | null };
}

/** The answers to each row: one, or its samples. */
export type Answers = ReadonlyMap<string, readonly Prediction[]>;

/** The same answers with one more, in the place of its sample. */
export function addAnswer(answers: Map<string, readonly Prediction[]>, added: Prediction): void {
  const sample = (each: Prediction) => each.sample ?? 0;
  const others = (answers.get(added.row) ?? []).filter((each) => sample(each) !== sample(added));
  answers.set(
    added.row,
    [...others, added].sort((a, b) => sample(a) - sample(b)),
  );
}

/** The only answer, or the first sample, of each row. */
export const firstAnswers = (answers: Answers): ReadonlyMap<string, Prediction> =>
  new Map([...answers].map(([row, [first]]) => [row, first!]));

/** Whether a text begins as our files of predictions do. */
export const isPredictionFile = (text: string): boolean =>
  /^\s{0,9}\{\s{0,9}"groundwork"\s{0,9}:\s{0,9}"predictions"/.test(text);

export const headerLine = (header: PredictionHeader): string => `${JSON.stringify(header)}\n`;
export const predictionLine = (prediction: Prediction): string => `${JSON.stringify(prediction)}\n`;

export interface PredictionFile {
  readonly header: PredictionHeader | null;
  /** By row, each row's in the order of their samples. Of two answers that are the same sample, the later. */
  readonly answers: Answers;
  /** Bytes of UTF-8 up to the end of the last whole line: what follows was cut off while it was written. */
  readonly wholeBytes: number;
}

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const headerForm = v.object({
  groundwork: v.literal('predictions'),
  version: v.literal(1),
  model: v.string(),
  adapter: v.nullable(v.string()),
  dataset: v.string(),
  prompt: v.picklist(['published', 'own']),
  tokens: v.nullable(count),
  limit: count,
  seed: count,
  rows: count,
  pictures: v.nullable(v.object({ minPixels: count, maxPixels: count })),
  budget: v.exactOptional(
    v.object({
      minPixels: v.exactOptional(count),
      maxPixels: v.exactOptional(count),
      longestEdge: v.exactOptional(count),
      imageSplitting: v.exactOptional(v.boolean()),
    }),
  ),
  samples: v.exactOptional(count),
  temperature: v.exactOptional(v.number()),
  swap: v.exactOptional(v.literal(true)),
  recipe: v.exactOptional(v.object({ name: v.string(), seed: count, prompt: v.nullable(v.looseObject({})) })),
});
const number = v.pipe(v.number(), v.finite());
const boxesForm = v.array(v.looseObject({ box: v.tuple([number, number, number, number]) }));
const predictionForm = v.object({
  row: v.string(),
  text: v.string(),
  boxes: v.nullable(boxesForm),
  thoughtBoxes: v.exactOptional(boxesForm),
  swapped: v.exactOptional(v.object({ text: v.string(), boxes: boxesForm })),
  parsed: v.boolean(),
  refused: v.boolean(),
  sizes: v.array(v.object({ width: number, height: number })),
  sample: v.exactOptional(count),
});

function parsedLine(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return undefined;
  }
}

/** Reads a file of ours. Throws `predictions-unreadable` for a line, other than a last unfinished one, that is none. */
export function readPredictions(text: string): PredictionFile {
  const end = text.lastIndexOf('\n') + 1;
  const answers = new Map<string, readonly Prediction[]>();
  let header: PredictionHeader | null = null;
  for (const [i, line] of text.slice(0, end).split('\n').entries()) {
    if (line.trim() === '') continue;
    const value = parsedLine(line);
    if (i === 0 && v.is(headerForm, value)) header = value as PredictionHeader;
    else if (v.is(predictionForm, value)) addAnswer(answers, value as unknown as Prediction);
    else
      throw new GroundworkError(
        'predictions-unreadable',
        `Line ${i + 1} of the predictions is not an answer to a row.`,
        'The first line says what made the file; each other has “row”, “text”, “boxes”, “parsed”, “refused” and “sizes”. Remove the line, or create the file again.',
      );
  }
  return { header, answers, wholeBytes: new TextEncoder().encode(text.slice(0, end)).length };
}

/** What differs between two headers, in words; empty where one file can be gone on with by the other's run. */
export function differences(kept: PredictionHeader, wanted: PredictionHeader): string[] {
  const named = (value: unknown) => (value === null || value === undefined ? 'none' : printed(value));
  return (
    [
      'model',
      'adapter',
      'dataset',
      'prompt',
      'tokens',
      'limit',
      'seed',
      'rows',
      'budget',
      'samples',
      'temperature',
      'swap',
      'recipe',
    ] as const
  )
    .filter((key) => JSON.stringify(kept[key]) !== JSON.stringify(wanted[key]))
    .map((key) => `${key}: ${named(kept[key])} there, ${named(wanted[key])} now`);
}
