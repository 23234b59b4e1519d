/** Answers to rows for a file of predictions, the likeliest or drawn: asked as a benchmark's script asks, or in the dataset's own words. */
import type { Row } from '../../data/row.ts';
import type { Prediction } from '../../evaluate/prediction.ts';
import { refuses } from '../../grounding/absence.ts';
import type { RequestOf } from '../protocol/index.ts';
import type { PolicyName } from '../protocol/words.ts';
import type { Workbench } from '../model/workbench.ts';

/** The row with the words that the published script sends after the pictures; others stay as they are. */
export function askedAsPublished(row: Row): Row {
  if (!row.benchmark) return row;
  const pictures = row.images.map((_, image) => ({ type: 'image', image }) as const);
  const text = { type: 'text', text: row.benchmark.prompt } as const;
  return { ...row, published: true, prompt: [{ role: 'user', content: [...pictures, text] }] };
}

/** What `predict-rows` asks for where it draws no samples: the likeliest answer. */
const GREEDY = { temperature: 0, count: 1, seed: 0 };

/** Answers in one batch: of each row in turn all that are asked for. No weight is touched. */
export async function predictRows(
  bench: Workbench,
  rows: readonly Row[],
  policy: PolicyName,
  tokens: number,
  { temperature, count, seed }: NonNullable<RequestOf<'predict-rows'>['sampling']> = GREEDY,
  generator = bench.generator,
): Promise<Prediction[]> {
  const samples = await bench.samples.prepare(rows);
  const rollouts = await generator.generate(samples, {
    numGenerations: count,
    sampling: { temperature, topK: 0, topP: 1, maxCompletionLength: tokens },
    seed,
    which: policy === 'base' ? 'base' : 'policy',
  });
  return rows.flatMap((row, i) =>
    rollouts[i]!.map(({ text }) => {
      const { boxes, parsed, answer } = bench.samples.parse(samples[i]!, text);
      return { row: row.id, text, boxes, parsed, refused: !parsed && refuses(answer), sizes: samples[i]!.natural };
    }),
  );
}
