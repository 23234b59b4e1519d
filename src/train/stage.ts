/** What a stage of a run is given, and how it talks back. Stages never draw, store or wait for anything else. */
import type { Row } from '../data/row.ts';
import type { RowList } from '../data/row-list.ts';
import type { ParsedAnswer } from '../grounding/parse.ts';
import type { Processor } from '../models/processor.ts';
import type { DrawSettings } from './draw-settings.ts';
import type { Generator } from './generate.ts';
import type { Optimizer } from './optimizer.ts';
import type { Policy } from './policy.ts';
import type { JudgedAnswers } from './preferences/judged-answers.ts';
import type { Sample, SampleStore } from './samples.ts';
import type { Scorer } from './scorer.ts';

/** A rollout as the group view shows it. */
export interface RolloutView {
  readonly text: string;
  readonly tokens: number;
  readonly truncated: boolean;
  readonly rewards: Readonly<Record<string, number>>;
  readonly reward: number;
  readonly advantage: number;
  /** What was read in it. */
  readonly answer: Pick<ParsedAnswer, 'think' | 'boxes'>;
}

export type StageEvent =
  /** `preparing`: what comes before the stage's own work. */
  | {
      readonly type: 'progress';
      readonly done: number;
      readonly total: number;
      readonly unit: string;
      readonly preparing?: true;
    }
  | { readonly type: 'metrics'; readonly values: Readonly<Record<string, number>> }
  | { readonly type: 'group'; readonly rowId: string; readonly completions: readonly RolloutView[] }
  | {
      readonly type: 'rejection';
      readonly rowId: string;
      readonly successRate: number;
      readonly verdict: 'kept' | 'too-easy' | 'too-hard';
    }
  | { readonly type: 'notice'; readonly message: string };

/** What a stage hands on to those after it. Plain data: checkpoints keep it. */
export interface StageOutcome<Report> {
  /**
   * Rows that it has written, for the stages after it. Each stands in the place of the training row with its id, or
   * after the dataset's. Rows written before a stage's end are part of its position.
   */
  readonly rows?: readonly Row[];
  /** Ids of the training rows that it has kept, for stages that read those. */
  readonly kept?: readonly string[];
  /** Answers of the rows it has kept, right and wrong, for stages that learn from those. */
  readonly answers?: readonly JudgedAnswers[];
  /** What it has found. */
  readonly report?: Report;
}

/** Where a stage stands between two units of its work: everything that the next unit depends on, the policy aside. */
export interface Boundary {
  /** Plain data, for JSON; the stage that wrote it reads it. */
  readonly position: object;
  readonly optimizer?: Optimizer;
}

/** Tells of rows that are done, at each hundredth of them: a run's log keeps what is told. The first and the last are always told. */
export function tellDone(emit: (event: StageEvent) => void, unit: string, total: number): (done: number) => void {
  let told: number | null = null;
  return (done) => {
    const hundredth = Math.floor((100 * done) / total);
    if (told === hundredth && done !== total) return;
    told = hundredth;
    emit({ type: 'progress', done, total, unit });
  };
}

export interface StageContext {
  /** How the plan draws its training rows; null: each once a pass, as it is. */
  readonly draw: DrawSettings | null;
  readonly policy: Policy;
  readonly processor: Processor;
  readonly samples: SampleStore;
  readonly generator: Generator<Sample>;
  /** Of the round: in each one other rows and samples are drawn. */
  readonly seed: number;
  /** For what is to be the same in every round: draws of held-out rows. */
  readonly planSeed: number;
  readonly train: RowList;
  readonly heldout: RowList;
  /** Settles when the stage's kernels are compiled. What needs no GPU is done meanwhile. Rejects with `shader-compile`. */
  readonly compiled: Promise<void>;
  /** Scores with the policy as it now is. */
  scorer(): Scorer;
  emit(event: StageEvent): void;
  /** The position to go on from, with the adapter attached; null: begin the stage. */
  readonly resume: object | null;
  /** Gives a new optimizer the state that the stage's one had. */
  restore?(optimizer: Optimizer): void;
  /**
   * Called between two units of work with where the stage stands. Waits while the run is paused; false: stop here and
   * keep what there is.
   */
  gate(boundary: Boundary): Promise<boolean>;
  /** Called now and then by work before the first unit. Waits while the run is paused; false: stop, there is nothing to keep. */
  turn(): Promise<boolean>;
}
