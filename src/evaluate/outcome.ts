/** What the stages of a run hand on: rows for the stages after them, and parts of the run's report. */
import type { StageOutcome } from '../train/stage.ts';
import type { EvaluatedStage } from './report.ts';

/** What a stage has found, for the run's report. */
export type StageReport =
  | ({ readonly type: 'evaluation' } & EvaluatedStage)
  | { readonly type: 'selection'; readonly prompts: number; readonly kept: number };

export type Outcome = StageOutcome<StageReport>;

/** Reports of one type, in the order of the stages. */
export function reportsOf<T extends StageReport['type']>(
  outcomes: readonly Outcome[],
  type: T,
): Extract<StageReport, { type: T }>[] {
  type Report = Extract<StageReport, { type: T }>;
  return outcomes.flatMap(({ report }) => (report?.type === type ? [report as Report] : []));
}
