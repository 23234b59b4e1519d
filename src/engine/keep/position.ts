/** Where a run stands, as a checkpoint keeps it; and how positions of older versions are read. */
import type { Outcome } from '../../evaluate/outcome.ts';
import type { BestState } from './best-state.ts';
import type { EvaluatedStage } from '../../evaluate/report.ts';
import type { Optimizer } from '../../train/optimizer.ts';

/** Where a run stands, its policy aside: plain data. */
export interface RunPosition {
  /** Index of the stage to go on with; as many as there are stages: the run is done. */
  readonly stage: number;
  /** Of the part that the stage is repeated in, from 0; absent: the first, or none. */
  readonly round?: number;
  /** Inside the stage (StageContext.resume); null: at its beginning. */
  readonly position: object | null;
  /** Spent in that stage before. */
  readonly seconds: number;
  /** Points of curves so far. */
  readonly step: number;
  /** What the stages so far have handed on, in their order. */
  readonly outcomes: readonly Outcome[];
  /** Of what the stage is measured by; absent: nothing was measured. */
  readonly best?: BestState;
  /** `step` at the stage's beginning. */
  readonly stageStep?: number;
}

/** A run between two units of work: nothing is under way on the GPU. */
export interface RunBoundary extends RunPosition {
  readonly optimizer: Optimizer | undefined;
}

/** Before stages had outcomes, a position kept what the kinds of that time could hand on. */
interface EarlierPosition extends Omit<RunPosition, 'outcomes'> {
  readonly outcomes?: undefined;
  /** Rows that rejection sampling kept; null before it. */
  readonly curated: readonly string[] | null;
  readonly rejection: { readonly prompts: number; readonly kept: number } | null;
  readonly evaluations: readonly EvaluatedStage[];
}

/** A position as some version of Groundwork has stored it. */
export function readPosition(stored: RunPosition | EarlierPosition): RunPosition {
  if (stored.outcomes) return stored;
  const { curated, rejection, evaluations, ...position } = stored;
  const outcomes: Outcome[] = evaluations.map((evaluated) => ({ report: { type: 'evaluation', ...evaluated } }));
  if (curated || rejection)
    outcomes.push({
      ...(curated && { kept: curated }),
      ...(rejection && { report: { type: 'selection', ...rejection } }),
    });
  return { ...position, outcomes };
}
