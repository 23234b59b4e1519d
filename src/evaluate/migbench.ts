/**
 * MIG-Bench (thunlp/Migician): ten tasks, one box per question. Papers report each task's accuracy and their plain
 * average (macro); weighing questions (micro) gives other numbers, as `region` is 28 % of them. We give both.
 *
 * Two ways to read an answer. Strict is ours: declared coordinate space, the answer part, the right image. As
 * published repeats `eval/MIG_bench_eval.py` (7b868a2), whose boxes carry no image and whose first matching pattern
 * wins anywhere in the text.
 */
import { GroundworkError } from '../base/error.ts';
import { type GroundedBox, iou } from '../grounding/box.ts';
import { migBenchAsPublished } from '../grounding/mig-bench-parser.ts';
import { type Evaluation, type RowScore, summarize } from './metrics.ts';

/** Task key → questions in the published file. */
export const MIG_TASKS: Readonly<Record<string, number>> = {
  common_object: 816,
  correspondence: 117,
  diff: 528,
  group_grounding: 499,
  multi_view: 288,
  object_tracking: 550,
  reasoning: 101,
  refer_grounding: 99,
  region: 1203,
  view_diff: 94,
};

export interface MigBenchScores {
  /** Micro: every question alike. Its `macro` holds the averages over tasks. */
  readonly evaluation: Evaluation;
  /** Tasks of the benchmark without a question here: the macro average is then not the published one. */
  readonly missingTasks: readonly string[];
}

/** Throws `migbench-task` for a task that is not the benchmark's. */
export function scoreMigBench(scores: readonly RowScore[], seed: number): MigBenchScores {
  const stranger = scores.find((s) => !Object.hasOwn(MIG_TASKS, s.task));
  if (stranger)
    throw new GroundworkError(
      'migbench-task',
      `Row ${stranger.rowId} has task "${stranger.task}", which is not MIG-Bench's.`,
      `Its tasks are ${Object.keys(MIG_TASKS).join(', ')}.`,
    );
  const evaluation = summarize(scores, seed);
  return { evaluation, missingTasks: Object.keys(MIG_TASKS).filter((t) => !Object.hasOwn(evaluation.tasks, t)) };
}

/**
 * A row scored from the model's text as the published script does: its parser, the first box only, the picture not
 * looked at. `migician`: with the enlarging it applies to Migician's own answers.
 */
export function scoreAsPublished(
  row: { readonly rowId: string; readonly task: string; readonly solution: readonly GroundedBox[] },
  text: string,
  options: { readonly migician?: boolean } = {},
): RowScore {
  const box = migBenchAsPublished(text, options);
  const truth = row.solution[0];
  return {
    rowId: row.rowId,
    task: row.task,
    iou: box && truth ? iou(box, truth.box) : 0,
    rightImage: null,
    parsed: box !== null,
  };
}
