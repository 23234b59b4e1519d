/**
 * Rejection sampling: k answers a prompt from the merged policy; prompts it sometimes gets right are what RL can learn
 * from (arXiv 2507.00748). Always right teaches nothing, and so does never.
 */
import { span } from '../data/row-list.ts';
import { curate, judge, type Attempts, type Curation } from './difficulty.ts';
import type { RejectionStage } from './recipe.ts';
import { succeeds } from './rewards/index.ts';
import type { StageContext } from './stage.ts';
import { rowsToTry } from './stages/rejection.ts';

interface RejectionPosition {
  /** What was tried so far: whole batches. */
  readonly attempts: readonly Attempts[];
}

/** Tries at most `limit` training rows; the kept ones, in the order tried, are `curation.kept`. */
export async function runRejection(stage: RejectionStage, context: StageContext): Promise<Curation> {
  const rows = rowsToTry(context.train, stage.limit, context.seed);
  const from = context.resume as RejectionPosition | null;
  const attempts: Attempts[] = [...(from?.attempts ?? [])];
  context.samples.readAhead(rows, span(rows, attempts.length, attempts.length + stage.batchSize));
  await context.compiled;
  for (let start = attempts.length; start < rows.length; start += stage.batchSize) {
    const position: RejectionPosition = { attempts };
    if (!(await context.gate({ position }))) break;
    const batch = await rows.read(span(rows, start, start + stage.batchSize));
    const samples = await context.samples.prepare(batch);
    context.samples.readAhead(rows, span(rows, start + stage.batchSize, start + 2 * stage.batchSize));
    const rollouts = await context.generator.generate(samples, {
      numGenerations: stage.numGenerations,
      sampling: stage.sampling,
      seed: context.seed + start,
    });
    batch.forEach((row, i) => {
      const successes = rollouts[i]!.filter(({ text }) =>
        succeeds(context.samples.parse(samples[i]!, text), row, stage.iouThreshold),
      ).length;
      attempts.push({ rowId: row.id, samples: stage.numGenerations, successes });
      const successRate = successes / stage.numGenerations;
      context.emit({ type: 'rejection', rowId: row.id, successRate, verdict: judge(successRate, stage) });
    });
    context.emit({
      type: 'progress',
      done: Math.min(rows.length, start + stage.batchSize),
      total: rows.length,
      unit: 'prompts',
    });
  }
  return curate(attempts, stage);
}
