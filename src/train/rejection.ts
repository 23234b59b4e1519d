/**
 * Rejection sampling: k answers a prompt from the merged policy; prompts it sometimes gets right are what RL can learn
 * from (arXiv 2507.00748). Always right teaches nothing, and so does never.
 */
import { span } from '../data/row-list.ts';
import { curate, judge, type Attempts, type Curation } from './difficulty.ts';
import { keepAnswers, type JudgedAnswers } from './preferences/judged-answers.ts';
import type { RejectionStage } from './recipe.ts';
import { succeeds } from './rewards/index.ts';
import { countEnded } from './rollout-tokens.ts';
import { tellDone, type StageContext } from './stage.ts';
import { rowsToTry } from './stages/sampled-rows.ts';

interface RejectionPosition {
  /** What was tried so far: whole batches. */
  readonly attempts: readonly Attempts[];
  /** Of prompts that are kept, if answers are. */
  readonly answers?: readonly JudgedAnswers[];
}

export interface Selection extends Curation {
  /** Of the kept rows; absent if none were to be handed on. */
  readonly answers?: readonly JudgedAnswers[];
}

/** Tries at most `limit` training rows; the kept ones, in the order tried, are `kept`. */
export async function runRejection(stage: RejectionStage, context: StageContext): Promise<Selection> {
  const rows = rowsToTry(context.train, stage.limit, context.seed);
  const from = context.resume as RejectionPosition | null;
  const attempts: Attempts[] = [...(from?.attempts ?? [])];
  const most = stage.answersKept ?? 0;
  const answers: JudgedAnswers[] = [...(from?.answers ?? [])];
  context.samples.readAhead(rows, span(rows, attempts.length, attempts.length + stage.batchSize));
  const tell = tellDone(context.emit, 'prompts', rows.length);
  tell(attempts.length);
  await context.compiled;
  for (let start = attempts.length; start < rows.length; start += stage.batchSize) {
    const position: RejectionPosition = { attempts, ...(most > 0 && { answers }) };
    if (!(await context.gate({ position }))) break;
    const batch = await rows.read(span(rows, start, start + stage.batchSize));
    const samples = await context.samples.prepare(batch);
    context.samples.readAhead(rows, span(rows, start + stage.batchSize, start + 2 * stage.batchSize));
    const rollouts = await context.generator.generate(samples, {
      numGenerations: stage.numGenerations,
      sampling: stage.sampling,
      seed: context.seed + start,
      onTokens: countEnded(stage.numGenerations, context.processor.eosTokenIds, (ended) => tell(start + ended)),
    });
    batch.forEach((row, i) => {
      const tried = rollouts[i]!.map(({ text, tokens, truncated }) => ({
        tokens,
        truncated,
        right: succeeds(context.samples.parse(samples[i]!, text), row, stage.iouThreshold),
      }));
      const successes = tried.filter(({ right }) => right).length;
      attempts.push({ rowId: row.id, samples: stage.numGenerations, successes });
      const successRate = successes / stage.numGenerations;
      const verdict = judge(successRate, stage);
      if (most > 0 && verdict === 'kept') answers.push(keepAnswers(row.id, tried, most));
      context.emit({ type: 'rejection', rowId: row.id, successRate, verdict });
    });
    tell(Math.min(rows.length, start + stage.batchSize));
  }
  return { ...curate(attempts, stage), ...(most > 0 && { answers }) };
}
