/** Answers to rows for a file of predictions, the likeliest or drawn: asked as a benchmark's script asks, or in the dataset's own words. */
import type { Row } from '../../data/row.ts';
import type { Prediction } from '../../evaluate/prediction.ts';
import { swappable } from '../../evaluate/consistency.ts';
import { refuses } from '../../grounding/absence.ts';
import { turned } from '../../grounding/picture-swap.ts';
import type { RequestOf } from '../protocol/index.ts';
import type { PolicyName } from '../protocol/words.ts';
import type { Workbench } from '../model/workbench.ts';
import type { AskOptions } from '../../train/samples.ts';
import { withImageOrder } from './answer.ts';

/** The row with the words that the published script sends after the pictures; others stay as they are. */
export function askedAsPublished(row: Row): Row {
  if (!row.benchmark) return row;
  const pictures = row.images.map((_, image) => ({ type: 'image', image }) as const);
  const text = { type: 'text', text: row.benchmark.prompt } as const;
  return { ...row, published: true, prompt: [{ role: 'user', content: [...pictures, text] }] };
}

interface Predicting {
  readonly generator?: Workbench['generator'];
  readonly swap?: boolean;
  readonly options?: AskOptions;
}

/** What `predict-rows` asks for where it draws no samples: the likeliest answer. */
const GREEDY = { temperature: 0, count: 1, seed: 0 };

/**
 * Answers in one batch: of each row in turn all that are asked for. No weight is touched. `swap`: what can be put to the
 * swap test is asked once more, with its pictures swapped.
 */
export async function predictRows(
  bench: Workbench,
  rows: readonly Row[],
  policy: PolicyName,
  tokens: number,
  { temperature, count, seed }: NonNullable<RequestOf<'predict-rows'>['sampling']> = GREEDY,
  { generator = bench.generator, swap = false, options = {} }: Predicting = {},
): Promise<Prediction[]> {
  const samples = await bench.samples.prepare(rows, options);
  const rollouts = await generator.generate(samples, {
    numGenerations: count,
    sampling: { temperature, topK: 0, topP: 1, maxCompletionLength: tokens },
    seed,
    which: policy === 'base' ? 'base' : 'policy',
  });
  const predictions = rows.flatMap((row, i) =>
    rollouts[i]!.map(({ text }): Prediction => {
      const { boxes, parsed, answer, thoughtBoxes } = bench.samples.parse(samples[i]!, text);
      const thought = thoughtBoxes.length > 0 && { thoughtBoxes };
      const refused = !parsed && refuses(answer);
      return { row: row.id, text, boxes, ...thought, parsed, refused, sizes: samples[i]!.natural };
    }),
  );
  if (!swap) return predictions;
  if (count > 1) throw new Error('samples of a row are not asked again');
  const able = rows.flatMap((row, i) => (swappable(row, predictions[i]!) ? [i] : []));
  if (able.length === 0) return predictions;
  const asked = able.map((i) => withImageOrder(rows[i]!, turned(rows[i]!.images.length)));
  const again = await predictRows(bench, asked, policy, tokens, GREEDY, { generator, options });
  const swapped = new Map(able.map((i, k) => [i, { text: again[k]!.text, boxes: again[k]!.boxes! }]));
  return predictions.map((each, i) => {
    const other = swapped.get(i);
    return other ? { ...each, swapped: other } : each;
  });
}
