/**
 * What a benchmark is: how its published file is known and read, what it asks and how, how its own script reads an
 * answer, and what was published. One module each, and one line in registry.ts. Nothing here knows a model or a dataset.
 *
 * Every answer is read twice. Strictly: in the model's declared space, in its answer part, in the right picture
 * (evaluate/strict.ts). As published: by the benchmark's own parser and rule, repeated with its quirks (`score`).
 */
import type { Size } from '../grounding/box.ts';
import type { Figures } from './figures.ts';

export type Fields = Readonly<Record<string, unknown>>;
/** Corners x1, y1, x2, y2. */
export type Corners = readonly [number, number, number, number];

/** In what a file's boxes are measured: fractions or thousandths of the picture, or pixels of its file. */
export type BenchmarkSpace = 'fraction' | 'thousand' | 'natural';

export interface TruthBox {
  readonly corners: Corners;
  /** Picture, from 0. */
  readonly image: number;
  /** Its class, or its group. */
  readonly label?: string;
}

/** A question of a benchmark, with what its script knows of the row. */
export interface Question {
  /** The benchmark's key in the registry. */
  readonly benchmark: string;
  /** The words after the pictures, exactly as the published script sends them. */
  readonly prompt: string;
  readonly boxes: readonly TruthBox[];
  readonly space: BenchmarkSpace;
  /** Multiple choice: the right letter and the number of options. */
  readonly choice?: { readonly letter: string; readonly options: number };
  /** Names that a detector is asked for. */
  readonly categories?: readonly string[];
  /** A second way to group rows: the data set inside the benchmark, the class, the size. */
  readonly group?: string;
  /** The numbers of the pictures in the benchmark's file. */
  readonly imageIds?: readonly number[];
}

/** A row of a published file. */
export interface BenchmarkRow extends Question {
  readonly id: string | null;
  readonly task: string;
  /** Paths, in the order in which they are shown. */
  readonly images: readonly string[];
  /** The question alone, without what the script adds. */
  readonly question: string;
  /** What our own training would have it answer: `<bbox>` stands for the next box. */
  readonly answer: string;
}

/** What a reader may know beyond the row. */
export interface ReadPlace {
  /** The dataset's name: of a folder that was opened itself, no path has its name. */
  readonly dataset?: string;
  readonly file: string;
  readonly line: number;
  /** Names of the pictures in a folder, in no order. */
  picturesIn(folder: string): readonly string[];
}

/** What a model wrote. */
export interface Written {
  readonly text: string;
  /**
   * The boxes of its answer in the model's declared space, as fractions: for scripts that score a file of boxes and say
   * nothing of how an answer becomes one. `image` null: the answer does not say which of several pictures.
   */
  readonly boxes: readonly { readonly image: number | null; readonly box: Corners; readonly label?: string }[];
  /** Pixels of the row's picture files. */
  readonly sizes: readonly Size[];
}

export interface Detection {
  readonly image: number;
  readonly corners: Corners;
  readonly label: string;
  readonly score: number;
}

/** One answer under one rule. */
export interface Scored {
  readonly task: string;
  /** IoU of a box; 1 or 0 for a choice; for detections the mean IoU of the matched. */
  readonly value: number;
  /** Something could be read. */
  readonly parsed: boolean;
  /** The published script would ask a language model to read this answer. It counts as wrong here. */
  readonly judge?: true;
  readonly group?: string;
  /** The centre of the answer's box lies in the right box. */
  readonly centre?: boolean;
  /** For benchmarks of many boxes: what was found, and what was there. */
  readonly detections?: readonly Detection[];
  readonly question?: Question;
}

/** What the published script does with the pictures and the answer. */
export interface Protocol {
  /** Limits of the processor's resize, pixels; or of the longest side. */
  readonly pictures: { readonly minPixels?: number; readonly maxPixels?: number; readonly longestSide?: number };
  /** max_new_tokens. */
  readonly answerTokens: number;
  /** For the user: where prompt, parser and metric come from. */
  readonly source: string;
}

/** A line of a paper. `rule` and `prompt` say whether it may be set beside a figure of ours (table.ts). */
export interface PublishedRow {
  readonly model: string;
  /** By task; `average` is the main figure. Per cent. */
  readonly figures: Readonly<Record<string, number>>;
  readonly source: string;
  /** It was made with the prompt of this descriptor. */
  readonly samePrompt: boolean;
  /** It was made with the rule of this descriptor. */
  readonly sameRule: boolean;
  /** Why not, or what else is to be known. */
  readonly note?: string;
}

/** `certain`: no other kind of file has such rows. `likely`: a file of one's own might, so that its user is asked. */
export type Sign = 'certain' | 'likely';

/** How rows of a published file are known, whole or damaged. What a file is follows from all of its rows (marks.ts). */
export interface Marks {
  /** Keys of a published row. A row with some of these and no others may be what is left of one. */
  readonly keys: readonly string[];
  /** Of these, such as rows of other kinds do not have: in a file of the benchmark, a row with one is its own. */
  readonly own: readonly string[];
  /** Names of the published files, where a row alone could be another's. */
  readonly file?: RegExp;
  sign(value: Fields, file: string): Sign | null;
  /** Of two benchmarks with the same keys: whether the values of a row are this one's. */
  fits?(value: Fields): boolean;
}

/** How a strict reading judges: one box; boxes with labels in any picture; a letter; one box or none. */
export type StrictKind = 'box' | 'detections' | 'choice' | 'box-or-none';

export interface Benchmark<N extends string = string> {
  /** As in the registry. */
  readonly name: N;
  readonly title: string;
  /** For the user: which published files these are. */
  readonly files: string;
  /** Left out where the structure of the file shows what it is (COCO). */
  readonly marks?: Marks;
  /** Reads such a row; a text says what is wrong with it. */
  read?(value: Fields, place: ReadPlace): BenchmarkRow | string;
  readonly protocol: Protocol;
  /** Questions of the whole benchmark by task; null where they are not known. */
  readonly questions: Readonly<Record<string, number>> | null;
  readonly strict: StrictKind;
  /** The script scores a file of boxes: an answer in no declared space cannot become one. */
  readonly needsBoxes?: true;
  /** By the benchmark's own parser and metric. Never throws. */
  score(task: string, question: Question, written: Written): Scored;
  /** Everything counted, under either rule; `asPublished`: with the quirks of the script's own counting. */
  figures(scored: readonly Scored[], asPublished: boolean): Figures;
  readonly published: readonly PublishedRow[];
  /** lmms-eval's task of a row, and what it keeps as the row's target. */
  readonly lmmsEval?: { task(task: string): string; target?(question: Question): string };
  /** VLMEvalKit has it by the same file: its rows go by their `index`, or by their place alone. */
  readonly vlmEvalKit?: 'by-index' | 'by-place';
}
