/** What page and engine say to each other about answers to whole benchmarks: given, kept, scored, compared, written. */
import type { Figures } from '../../benchmarks/figures.ts';
import type { BenchmarkTable } from '../../evaluate/benchmark-table.ts';
import type { Consistency } from '../../evaluate/consistency.ts';
import type { FailureTable } from '../../evaluate/failures.ts';
import type { ForeignSpace } from '../../evaluate/foreign.ts';
import type { OutcomeKind } from '../../evaluate/outcome-kinds.ts';
import type { PairedDifference } from '../../evaluate/pairs.ts';
import type { PredictionHeader } from '../../evaluate/prediction.ts';
import type { Agreement, Traits } from '../../evaluate/traits.ts';
import type { GroundedBox, NamedFile, PolicyName } from './words.ts';

export type { Figure, Figures } from '../../benchmarks/figures.ts';
export type { BenchmarkTable, TableRow } from '../../evaluate/benchmark-table.ts';
export type { Consistency } from '../../evaluate/consistency.ts';
export type { FailureTable } from '../../evaluate/failures.ts';
export type { ForeignSpace } from '../../evaluate/foreign.ts';
export type { OutcomeKind } from '../../evaluate/outcome-kinds.ts';
export type { PairedDifference } from '../../evaluate/pairs.ts';
export type { Agreement, Bin, Traits } from '../../evaluate/traits.ts';

/** What rows of the held-out part are to be answered as: a published benchmark, or `name` null: rows of none. */
export interface BenchmarkAbout {
  readonly name: string | null;
  readonly title: string;
  /** Which published files these are. */
  readonly files: string;
  /** Rows by task, and together. */
  readonly tasks: Readonly<Record<string, number>>;
  readonly rows: number;
  /** All questions of the published file are here; null: how many it has is not known. */
  readonly complete: boolean | null;
  /** The words after the pictures of its first row, as the published script sends them. */
  readonly prompt: string | null;
  readonly pictures: { readonly minPixels?: number; readonly maxPixels?: number; readonly longestSide?: number };
  /** Longest answer, tokens. */
  readonly answerTokens: number;
  /** Where prompt, parser and rule come from. */
  readonly source: string;
}

/** How rows are asked, and which of them. */
export interface ScoreOptions {
  readonly prompt: 'published' | 'own';
  /** Longest answer; null: that of each benchmark. */
  readonly tokens: number | null;
  /** A draw of so many rows with the seed; 0: all. */
  readonly limit: number;
  readonly seed: number;
  /** Rows are asked again with their pictures swapped, where that tells something. */
  readonly swap?: true;
}

/** Answers of one model to the rows of a dataset. */
export interface PredictionSet {
  readonly id: string;
  readonly name: string;
  /** null: of a model that is not here. */
  readonly policy: PolicyName | null;
  readonly answered: number;
  readonly total: number;
  /** How they were made; null: not known. */
  readonly header: PredictionHeader | null;
  readonly at: number;
}

/** What a model is worth, one set of answers under both readings. */
export interface SetScores {
  readonly id: string;
  readonly name: string;
  readonly strict: Figures | null;
  readonly published: Figures | null;
  /** Why they may not be set beside published figures. */
  readonly objections: readonly string[];
  readonly failures: FailureTable;
  readonly traits: Traits;
  readonly consistency: Consistency;
}

export interface BenchmarkResult {
  readonly about: BenchmarkAbout;
  readonly table: BenchmarkTable;
  readonly sets: readonly SetScores[];
  /** Every set against the first, on the rows that both answered. */
  readonly pairs: readonly (PairedDifference & { readonly set: string; readonly agreement: Agreement | null })[];
}

/** An answer of a set to one row, to be drawn over its pictures. */
export interface SetAnswer {
  readonly rowId: string;
  readonly text: string;
  readonly boxes: readonly GroundedBox[];
  readonly outcome: OutcomeKind | null;
  /** Of the strict reading: IoU, or 1 and 0 of a letter; null: not read strictly. */
  readonly value: number | null;
}

/** Where the answers of a dataset are kept. */
interface Kept {
  readonly dataset: string;
  readonly project: string | null;
}

export type ScoreFileKind = 'csv' | 'markdown' | 'latex';
export type PredictionFileKind = 'groundwork' | 'vlmevalkit' | 'lmms-eval';

export type ScoreRequest =
  | { readonly type: 'benchmarks'; readonly dataset: string }
  /**
   * Answers the next few rows that these weights have not answered, and keeps the answers. Nothing is left to answer when
   * `answered` is `total`. `label`: what a policy that a run has trained is called.
   */
  | (Kept & {
      readonly type: 'predict-next';
      readonly policy: PolicyName;
      readonly options: ScoreOptions;
      readonly label: string | null;
      readonly count: number;
    })
  /** The sets that there are, and the policies that are loaded. */
  | (Kept & { readonly type: 'prediction-sets' })
  /** `space`: what the numbers of a box are in a file that another tool wrote; null: no box is read. */
  | (Kept & {
      readonly type: 'import-predictions';
      readonly file: NamedFile;
      readonly name: string;
      readonly space: ForeignSpace | null;
    })
  | (Kept & { readonly type: 'forget-predictions'; readonly set: string })
  | (Kept & { readonly type: 'predictions-file'; readonly set: string; readonly as: PredictionFileKind })
  | (Kept & { readonly type: 'scores'; readonly sets: readonly string[] })
  | (Kept & { readonly type: 'scores-file'; readonly sets: readonly string[]; readonly as: ScoreFileKind })
  | (Kept & { readonly type: 'set-answers'; readonly set: string; readonly rowIds: readonly string[] });

export interface ScoreReplies {
  benchmarks: readonly BenchmarkAbout[];
  'predict-next': PredictionSet;
  'prediction-sets': { readonly sets: readonly PredictionSet[]; readonly policies: readonly PolicyName[] };
  'import-predictions': { readonly set: PredictionSet; readonly strangers: number; readonly repeated: number };
  'forget-predictions': null;
  'predictions-file': { readonly fileName: string; readonly stream: ReadableStream<Uint8Array> };
  scores: readonly BenchmarkResult[];
  'scores-file': { readonly fileName: string; readonly stream: ReadableStream<Uint8Array> };
  'set-answers': readonly SetAnswer[];
}
