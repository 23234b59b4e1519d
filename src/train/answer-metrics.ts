/**
 * What answers show beside their rewards, as curves that warn: boxes that grow or shrink, thoughts that contradict their
 * answer, answers that nothing is there. Ours; TRL knows of no boxes.
 */
import type { Row } from '../data/row.ts';
import { isAbsent } from '../data/wanted.ts';
import type { GroundedBox } from '../grounding/box.ts';
import { meanOf } from './advantage.ts';
import type { Metrics } from './grpo-metrics.ts';
import { agreementOf, saysNothing, type Completion } from './rewards/index.ts';

type Answer = Completion['answer'];

const areaOf = ({ box: [x1, y1, x2, y2] }: Pick<GroundedBox, 'box'>): number =>
  Math.max(0, x2 - x1) * Math.max(0, y2 - y1);

/** Mean area of the boxes given over that of the boxes wanted; null without one of the two. */
function areaRatio({ boxes }: Answer, solution: readonly GroundedBox[]): number | null {
  const wanted = meanOf(solution.map(areaOf));
  const ratio = meanOf(boxes.map(areaOf)) / wanted;
  return Number.isFinite(ratio) ? ratio : null;
}

/**
 * boxes/area_ratio, thoughts/agreement and answers/refused (of rows that ask for boxes) of one step; what no completion
 * has is left out.
 */
export function answerMetrics(
  answers: readonly { readonly answer: Answer; readonly row: Pick<Row, 'solution' | 'answer' | 'nothing'> }[],
): Metrics {
  const means: Metrics = {
    // The geometric mean: one box that is far too large does not hide many that shrink.
    'boxes/area_ratio': Math.exp(
      meanOf(
        answers.map(({ answer, row }) => {
          const ratio = areaRatio(answer, row.solution);
          return ratio === null || ratio === 0 ? null : Math.log(ratio);
        }),
      ),
    ),
    'thoughts/agreement': meanOf(answers.map(({ answer }) => agreementOf(answer))),
    'answers/refused': meanOf(
      answers.map(({ answer, row }) => (row.solution.length > 0 || isAbsent(row) ? Number(saysNothing(answer)) : null)),
    ),
  };
  return Object.fromEntries(Object.entries(means).filter(([, value]) => Number.isFinite(value)));
}
