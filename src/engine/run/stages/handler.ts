/** How a kind of stage runs and is rehearsed; what is to be known of it without that is its descriptor (train/stages). */
import type { RowList } from '../../../data/row-list.ts';
import type { Outcome } from '../../../evaluate/outcome.ts';
import type { JudgedAnswers } from '../../../train/preferences/judged-answers.ts';
import type { StageContext } from '../../../train/stage.ts';
import { descriptorOf, type Stage } from '../../../train/stages/index.ts';
import type { EngineEvent } from '../../protocol/messages.ts';

export interface RunContext extends StageContext {
  /** The rows that its kind reads, as the stages before have left them. */
  readonly rows: RowList;
  /** Judged answers that a stage before has handed on. */
  readonly answers: readonly JudgedAnswers[];
  /** Place of the stage in its recipe. */
  readonly index: number;
  /** Round of the part that the stage is repeated in, from 0. */
  readonly round: number;
  /** Merges of the recipe that hold as the stage begins. */
  readonly merged: number;
  /** The stage's own time so far. */
  seconds(): number;
  /** Tells the front end directly. */
  tell(event: EngineEvent): void;
}

/** Seconds of a unit of work; null: there was nothing to measure. */
export interface Timed {
  readonly each: number | null;
  /** The last point of the stage's curves. */
  readonly last: Readonly<Record<string, number>>;
}

/** What a rehearsal lends: a bench of its own, and the longest row as often as it is wanted. */
export interface RehearsalDesk {
  /** Rows that the run will read. */
  readonly rows: number;
  /** Runs a stage of two units on so many copies of the longest row, and times the second. */
  time(rows: number, work: (context: RunContext) => Promise<unknown>): Promise<Timed>;
  /** Times one piece of work. */
  once(work: () => Promise<void>): Promise<Timed>;
  readonly policy: StageContext['policy'];
}

export interface Rehearsed {
  readonly each: number | null;
  /** What makes this more or less than the run will take. */
  readonly note: string | null;
}

export interface StageHandler<S> {
  /** @returns what it hands on */
  run(stage: S, context: RunContext): Promise<Outcome>;
  rehearse(stage: S, desk: RehearsalDesk): Promise<Rehearsed>;
}

/** Two units of a stage on copies of the longest row. */
export function timeTwo<S extends Stage>(
  stage: S,
  desk: RehearsalDesk,
  work: (stage: S, context: RunContext) => Promise<unknown>,
): Promise<Timed> {
  const { brief, rowsAtOnce } = descriptorOf(stage);
  const two = brief(stage, 2, desk.rows) ?? stage;
  return desk.time(2 * rowsAtOnce(two), (context) => work(two, context));
}
