/** Where a run stands, as a checkpoint keeps it. */
import type { EvaluatedStage } from '../../evaluate/report.ts';
import type { Optimizer } from '../../train/optimizer.ts';

/** Where a run stands, its policy aside: plain data. */
export interface RunPosition {
  /** Index of the stage to go on with; as many as there are stages: the run is done. */
  readonly stage: number;
  /** Inside the stage (StageContext.resume); null: at its beginning. */
  readonly position: object | null;
  /** Spent in that stage before. */
  readonly seconds: number;
  /** Points of curves so far. */
  readonly step: number;
  /** Rows that rejection sampling kept; null before it. */
  readonly curated: readonly string[] | null;
  readonly rejection: { readonly prompts: number; readonly kept: number } | null;
  readonly evaluations: readonly EvaluatedStage[];
}

/** A run between two units of work: nothing is under way on the GPU. */
export interface RunBoundary extends RunPosition {
  readonly optimizer: Optimizer | undefined;
}
