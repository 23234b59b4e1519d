/** Greedy answers to rows by a policy, parsed and scored, as the page shows them. */
import type { Row } from '../../data/row.ts';
import { predictionOf, scoreAnswer } from '../../evaluate/metrics.ts';
import { groundedBoxes } from '../../grounding/box.ts';
import type { Answer, PolicyName } from '../protocol/words.ts';
import type { AskOptions } from '../../train/samples.ts';
import type { Workbench } from '../model/workbench.ts';

/** Longest answer when single rows are asked about, tokens. */
const ANSWER_TOKENS = 128;

/** One answer a row, in one batch. Nothing random is drawn, and no weight is touched. */
export async function answerRows(
  bench: Workbench,
  rows: readonly Row[],
  policy: PolicyName,
  generator = bench.generator,
  options: AskOptions = {},
): Promise<Answer[]> {
  const samples = await bench.samples.prepare(rows, options);
  const rollouts = await generator.generate(samples, {
    numGenerations: 1,
    sampling: { temperature: 0, topK: 0, topP: 1, maxCompletionLength: ANSWER_TOKENS },
    seed: 0,
    which: policy === 'base' ? 'base' : 'policy',
  });
  return rows.map((row, i) => {
    const { text } = rollouts[i]![0]!;
    const read = bench.samples.parse(samples[i]!, text);
    const { think, boxes, parsed } = read;
    const score = scoreAnswer(predictionOf(row, read));
    const { form } = samples[i]!;
    return {
      policy,
      text,
      think,
      boxes: groundedBoxes(boxes),
      iou: score?.iou ?? null,
      rightImage: score?.rightImage ?? null,
      parsed,
      ...(form !== 'as-written' && { form }),
    };
  });
}

/**
 * The row with its pictures in another order: place i shows what was at `order[i]`. The words stay, so a model that
 * looks follows the picture, and one that guesses stays at the place. Throws nothing: an order that is no permutation
 * leaves the row as it is.
 */
export function withImageOrder(row: Row, order: readonly number[]): Row {
  const places = row.images.map((_, i) => order.indexOf(i));
  if (order.length !== row.images.length || places.includes(-1)) return row;
  return {
    ...row,
    id: `${row.id} (images ${order.map((i) => i + 1).join(' ')})`,
    images: order.map((i) => row.images[i]!),
    solution: row.solution.map((box) => ({ ...box, image: places[box.image]! })),
  };
}
