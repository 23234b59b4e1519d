/** What page and engine say to each other about what came of runs: figures of each, and runs beside each other. */
import type { RunDifference } from '../../evaluate/run-difference.ts';
import type { GroundedBox } from './words.ts';

export type { RunDifference } from '../../evaluate/run-difference.ts';

/** An answer that an evaluation stage was given, as a run's log keeps it. */
export interface EvaluatedRow {
  readonly rowId: string;
  readonly task: string;
  /** IoU 0–1, or 1 for what is right and no box. */
  readonly value: number;
  readonly parsed: boolean;
  readonly text: string;
  readonly boxes: readonly GroundedBox[];
  /** Digest of the question, the pictures' names and the right answer. */
  readonly same: string;
}

/** An evaluation of a run in short. */
export interface ResultEvaluation {
  readonly stageIndex: number;
  readonly name: string;
  readonly n: number;
  /** NaN of no row. */
  readonly accAt50: number;
  readonly interval: readonly [low: number, high: number];
  readonly meanIoU: number;
}

/** Figures of a run. null: it has none. */
export interface RunResults {
  readonly runId: string;
  /** Of its stages together. */
  readonly seconds: number;
  /** The last that was told. */
  readonly loss: number | null;
  readonly reward: number | null;
  readonly heldoutLoss: number | null;
  readonly heldoutAccuracy: { readonly value: number; readonly n: number } | null;
  readonly evaluations: readonly ResultEvaluation[];
  /** The best checkpoint that is kept. */
  readonly best: { readonly name: string; readonly value: number; readonly step: number } | null;
}

/** A row as two runs have answered it in their last evaluations. */
export interface ComparedRow {
  readonly before: EvaluatedRow;
  readonly after: EvaluatedRow;
}

export interface RunComparison {
  /** null: one of them has no evaluation. */
  readonly difference: RunDifference | null;
  /** Rows that both answered, and that were the same. */
  readonly rows: readonly ComparedRow[];
}

export type ResultRequest =
  /** Of every run of a project. */
  | { readonly type: 'run-results'; readonly project: string }
  /** Each run's last evaluation against that of another. */
  | { readonly type: 'run-differences'; readonly baseline: string; readonly runs: readonly string[] }
  /** Two runs answer by answer. */
  | { readonly type: 'compare-runs'; readonly before: string; readonly after: string };

export interface ResultReplies {
  'run-results': readonly RunResults[];
  /** By run; null: one of the two has no evaluation. */
  'run-differences': Readonly<Record<string, RunDifference | null>>;
  'compare-runs': RunComparison;
}
