/** What came of a run, by what it has told: its figures, and its last evaluation against another run's. */
import {
  pairedRunDifference,
  unpairedDifference,
  type RunDifference,
  type Share,
} from '../../evaluate/run-difference.ts';
import type { ComparedRow, EvaluatedRow, ResultEvaluation, RunComparison, RunResults } from '../protocol/results.ts';
import type { KeptCheckpoint } from '../protocol/records.ts';
import type { Evaluation, ToldEvent } from '../protocol/run.ts';

/** An evaluation of a run, with the answers that are kept of it. */
export interface AnsweredEvaluation {
  readonly name: string;
  readonly evaluation: Evaluation;
  readonly share: Share;
  readonly rows: readonly EvaluatedRow[];
}

export function resultsOf(runId: string, told: readonly ToldEvent[], kept: readonly KeptCheckpoint[]): RunResults {
  const last = new Map<string, number>();
  /** By stage: as it said itself, or the sum of its steps while it has not ended. */
  const seconds = new Map<number, number>();
  const evaluations: ResultEvaluation[] = [];
  for (const event of told) {
    if (event.type === 'metrics') {
      for (const [name, value] of Object.entries(event.values)) if (Number.isFinite(value)) last.set(name, value);
      const step = event.values['step_time'];
      if (step !== undefined && Number.isFinite(step))
        seconds.set(event.stageIndex, (seconds.get(event.stageIndex) ?? 0) + step);
    } else if (event.type === 'stage' && event.status !== 'started') seconds.set(event.index, event.seconds);
    else if (event.type === 'evaluation') {
      const { stageIndex, name, evaluation } = event;
      const { n, accAt50, accAt50Interval, meanIoU } = evaluation;
      evaluations.push({ stageIndex, name, n, accAt50, interval: accAt50Interval, meanIoU });
    }
  }
  const best = kept.find(({ about }) => about.reason === 'best')?.about;
  const [accuracy, answers] = [last.get('eval_accuracy'), last.get('eval_answers')];
  return {
    runId,
    seconds: [...seconds.values()].reduce((sum, each) => sum + each, 0),
    loss: last.get('loss') ?? null,
    reward: last.get('reward') ?? null,
    heldoutLoss: last.get('eval_loss') ?? null,
    heldoutAccuracy: accuracy === undefined || answers === undefined ? null : { value: accuracy, n: answers },
    evaluations,
    best: best?.metric ? { ...best.metric, step: best.step } : null,
  };
}

/** Those of some rows, in their order. */
export function evaluationsOf(told: readonly ToldEvent[]): AnsweredEvaluation[] {
  const rows = new Map<number, EvaluatedRow[]>();
  for (const event of told)
    if (event.type === 'evaluated') rows.set(event.stageIndex, [...(rows.get(event.stageIndex) ?? []), ...event.rows]);
  return told.flatMap((event) => {
    if (event.type !== 'evaluation' || event.evaluation.n === 0) return [];
    const { stageIndex, name, evaluation } = event;
    const { n, accAt50 } = evaluation;
    return [{ name, evaluation, share: { hits: Math.round(accAt50 * n), n }, rows: rows.get(stageIndex) ?? [] }];
  });
}

/** Rows that both have answered, as long as they are the same. */
function sharedRows(before: AnsweredEvaluation, after: AnsweredEvaluation): ComparedRow[] {
  const known = new Map(before.rows.map((row) => [row.rowId, row]));
  return after.rows.flatMap((row) => {
    const earlier = known.get(row.rowId);
    return earlier?.same === row.same ? [{ before: earlier, after: row }] : [];
  });
}

export function compare(before: AnsweredEvaluation | null, after: AnsweredEvaluation | null): RunComparison {
  if (!before || !after) return { difference: null, rows: [] };
  const rows = sharedRows(before, after);
  const difference: RunDifference =
    rows.length > 0
      ? pairedRunDifference(rows.map((pair) => [pair.before.value, pair.after.value]))
      : unpairedDifference(before.share, after.share);
  return { difference, rows };
}
