/** Greedy answers to rows for a file of predictions: asked as a benchmark's script asks, or in the dataset's own words. */
import type { Row } from '../../data/row.ts';
import type { Prediction } from '../../evaluate/prediction.ts';
import { refuses } from '../../train/rewards/index.ts';
import type { PolicyName } from '../protocol/words.ts';
import type { Workbench } from '../model/workbench.ts';

/** The row with the words that the published script sends after the pictures; others stay as they are. */
export function askedAsPublished(row: Row): Row {
  if (!row.benchmark) return row;
  const pictures = row.images.map((_, image) => ({ type: 'image', image }) as const);
  const text = { type: 'text', text: row.benchmark.prompt } as const;
  return { ...row, prompt: [{ role: 'user', content: [...pictures, text] }] };
}

/** One answer a row, in one batch. Nothing random is drawn, and no weight is touched. */
export async function predictRows(
  bench: Workbench,
  rows: readonly Row[],
  policy: PolicyName,
  tokens: number,
  generator = bench.generator,
): Promise<Prediction[]> {
  const samples = await bench.samples.prepare(rows);
  const rollouts = await generator.generate(samples, {
    numGenerations: 1,
    sampling: { temperature: 0, topK: 0, topP: 1, maxCompletionLength: tokens },
    seed: 0,
    which: policy === 'base' ? 'base' : 'policy',
  });
  return rows.map((row, i) => {
    const { text } = rollouts[i]![0]!;
    const { boxes, parsed, answer } = bench.samples.parse(samples[i]!, text);
    return { row: row.id, text, boxes, parsed, refused: !parsed && refuses(answer), sizes: samples[i]!.natural };
  });
}
