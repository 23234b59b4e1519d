/** Runs an evaluation stage: greedy answers to held-out rows, scored. The same rows every time, whatever the policy. */
import type { Row } from '../data/row.ts';
import { span } from '../data/row-list.ts';
import { PROMPT, Prompting } from '../train/prompt.ts';
import type { ParsedBox } from '../grounding/parse.ts';
import type { EvaluateStage } from '../train/recipe.ts';
import { countEnded } from '../train/rollout-tokens.ts';
import type { AskOptions } from '../train/samples.ts';
import { tellDone, type StageContext } from '../train/stage.ts';
import { evaluationRows } from '../train/stages/evaluate.ts';
import { predictionOf, scoreAnswer, summarize, type Evaluation, type RowScore } from './metrics.ts';

/** A row that has a right answer, what was answered, and how that was scored. */
export interface ScoredAnswer {
  readonly row: Row;
  readonly text: string;
  readonly boxes: readonly ParsedBox[];
  readonly score: RowScore;
}

interface EvaluationPosition {
  /** Rows answered: whole batches. */
  readonly answered: number;
  readonly scores: readonly RowScore[];
}

/** The row with a sentence after its last question; as it is for an empty one. */
function withInstruction(row: Row, instruction: string): Row {
  const last = row.prompt.findLastIndex(({ role }) => role === 'user');
  if (instruction === '' || last < 0) return row;
  const added = { type: 'text', text: ` ${instruction}` } as const;
  return {
    ...row,
    prompt: row.prompt.map((turn, i) => (i === last ? { ...turn, content: [...turn.content, added] } : turn)),
  };
}

/** A form of its own has the plan's words; without a prompt in the plan, the usual ones. */
function formFor({ answerForm }: EvaluateStage, prompting: Prompting | null, seed: number): AskOptions {
  return answerForm === 'plan' ? {} : { form: answerForm, prompting: prompting ?? new Prompting(PROMPT, seed) };
}

/** @param told hears of each batch of answers, in order */
export async function runEvaluation(
  stage: EvaluateStage,
  context: StageContext,
  told: (answers: readonly ScoredAnswer[]) => Promise<void> = () => Promise.resolve(),
): Promise<{ evaluation: Evaluation; scores: readonly RowScore[]; stopped: boolean }> {
  const rows = evaluationRows(context.heldout, stage.limit, context.planSeed);
  const from = context.resume as EvaluationPosition | null;
  const scores: RowScore[] = [...(from?.scores ?? [])];
  const begin = from?.answered ?? 0;
  const form = formFor(stage, context.samples.prompting, context.planSeed);
  let stopped = false;
  context.samples.readAhead(rows, span(rows, begin, begin + stage.batchSize));
  const tell = tellDone(context.emit, 'rows', rows.length);
  tell(begin);
  await context.compiled;
  for (let start = begin; start < rows.length; start += stage.batchSize) {
    const position: EvaluationPosition = { answered: start, scores };
    if (!(await context.gate({ position }))) {
      stopped = true;
      break;
    }
    const batch = await rows.read(span(rows, start, start + stage.batchSize));
    const samples = await context.samples.prepare(
      batch.map((row) => withInstruction(row, stage.instruction)),
      form,
    );
    context.samples.readAhead(rows, span(rows, start + stage.batchSize, start + 2 * stage.batchSize));
    const answers = await context.generator.generate(samples, {
      numGenerations: 1,
      sampling: { temperature: 0, topK: 0, topP: 1, maxCompletionLength: stage.maxCompletionLength },
      seed: 0,
      onTokens: countEnded(1, context.processor.eosTokenIds, (ended) => tell(start + ended)),
    });
    const scored = batch.flatMap((row, i): ScoredAnswer[] => {
      const { text } = answers[i]![0]!;
      const read = context.samples.parse(samples[i]!, text);
      const score = scoreAnswer(predictionOf(row, read));
      return score ? [{ row, text, boxes: read.boxes, score }] : [];
    });
    scores.push(...scored.map(({ score }) => score));
    await told(scored);
    tell(Math.min(rows.length, start + stage.batchSize));
  }
  return { evaluation: summarize(scores), scores, stopped };
}
