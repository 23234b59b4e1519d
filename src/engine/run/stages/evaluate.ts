/** How an evaluation stage runs and is rehearsed. */
import { runEvaluation } from '../../../evaluate/run.ts';
import type { EvaluateStage } from '../../../train/stages/evaluate.ts';
import { timeTwo, type StageHandler } from './handler.ts';

export const evaluate: StageHandler<EvaluateStage> = {
  async run(stage, context) {
    const { name } = stage;
    const { evaluation, scores } = await runEvaluation(stage, context);
    context.tell({ type: 'evaluation', stageIndex: context.index, name, evaluation });
    return { report: { type: 'evaluation', name, evaluation, scores, seconds: context.seconds() } };
  },
  async rehearse(stage, desk) {
    if (desk.rows === 0) return { each: null, note: 'There are no held-out rows with a solution.' };
    const { each } = await timeTwo(stage, desk, runEvaluation);
    return { each, note: 'An answer ends when the model ends it.' };
  },
};
