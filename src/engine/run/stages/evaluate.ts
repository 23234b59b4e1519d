/** How an evaluation stage runs and is rehearsed. */
import type { Row } from '../../../data/row.ts';
import { runEvaluation, type ScoredAnswer } from '../../../evaluate/run.ts';
import { groundedBoxes } from '../../../grounding/box.ts';
import { textDigest } from '../../../store/digest.ts';
import type { EvaluateStage } from '../../../train/stages/evaluate.ts';
import type { EvaluatedRow } from '../../protocol/results.ts';
import { timeTwo, type StageHandler } from './handler.ts';

export const evaluate: StageHandler<EvaluateStage> = {
  async run(stage, context) {
    const { name } = stage;
    const { index: stageIndex } = context;
    const { evaluation, scores } = await runEvaluation(stage, context, async (answers) =>
      context.tell({ type: 'evaluated', stageIndex, rows: await Promise.all(answers.map(evaluated)) }),
    );
    context.tell({ type: 'evaluation', stageIndex, name, evaluation });
    return { report: { type: 'evaluation', name, evaluation, scores, seconds: context.seconds() } };
  },
  async rehearse(stage, desk) {
    if (desk.rows === 0) return { each: null, note: 'There are no held-out rows with a solution.' };
    const { each } = await timeTwo(stage, desk, runEvaluation);
    return { each, note: 'An answer ends when the model ends it.' };
  },
};

async function evaluated({ row, text, boxes, score }: ScoredAnswer): Promise<EvaluatedRow> {
  const { rowId, task, iou: value, parsed } = score;
  const same = await digestOf(row);
  return { rowId, task, value, parsed, text, boxes: groundedBoxes(boxes), same };
}

/** Of all that makes a row this one: two runs that answered rows of equal digests answered the same question. */
const digestOf = async ({ prompt, images, answer, solution, nothing }: Row): Promise<string> =>
  (await textDigest(JSON.stringify([prompt, images, answer, solution, nothing]))).slice(0, 16);
