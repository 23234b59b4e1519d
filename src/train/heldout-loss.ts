/**
 * The loss on held-out rows while a stage learns: the mean negative log-likelihood over their answers' tokens, as
 * transformers' Trainer evaluates it (eval_steps, eval_loss). The rows are a draw of their own with the run's seed, the
 * same every time. It happens between two steps and draws nothing from the run: weights, data order and random state are
 * as without it, to the bit.
 */
import { Random } from '../base/random.ts';
import { span } from '../data/row-list.ts';
import { pack } from './pack.ts';
import type { SftStage } from './recipe.ts';
import { TAUGHT, type Sample } from './samples.ts';
import type { StageContext } from './stage.ts';
import { HELDOUT_PASS } from './stages/sft.ts';

/** Names of Trainer's log. */
export interface HeldoutMetrics extends Readonly<Record<string, number>> {
  readonly eval_loss: number;
  readonly eval_mean_token_accuracy: number;
  readonly eval_rows: number;
}

export class HeldoutLoss {
  readonly #stage: SftStage;
  readonly #context: StageContext;
  readonly #places: readonly number[];

  constructor(stage: SftStage, context: StageContext) {
    const { length } = context.heldout;
    const places = span(context.heldout, 0, length);
    const { evalRows, evalSteps } = stage;
    const draws = evalSteps > 0 && evalRows > 0 && evalRows < length;
    this.#stage = stage;
    this.#context = context;
    // In the order of the files: pictures that rows share are read once.
    this.#places = draws
      ? new Random(context.planSeed)
          .shuffle(places)
          .slice(0, evalRows)
          .sort((a, b) => a - b)
      : places;
  }

  /** Measures after so many steps if it is time, and after the last; null between, and without rows. */
  async after(step: number, last: number): Promise<HeldoutMetrics | null> {
    const { evalSteps } = this.#stage;
    if (evalSteps === 0 || (step % evalSteps !== 0 && step !== last)) return null;
    const { heldout, samples } = this.#context;
    const sums = { loss: 0, correct: 0, tokens: 0, rows: 0 };
    const size = this.#stage.perDeviceTrainBatchSize;
    for (let start = 0; start < this.#places.length; start += size) {
      const batch = await samples.encode(await heldout.read(this.#places.slice(start, start + size)), TAUGHT);
      const usable = batch.filter((sample) => this.#fits(sample));
      if (!usable.length) continue;
      const ready = await samples.prepare(
        usable.map(({ row }) => row),
        TAUGHT,
      );
      const packed = pack(ready.map(({ prompt, completion }) => ({ prompt, completions: [completion] })));
      const scores = await this.#context.scorer().run(packed, samples.features(ready), HELDOUT_PASS);
      for (let i = 0; i < packed.entries.length; i++) {
        sums.loss -= scores.logps[i]!;
        sums.correct += scores.correct[i]!;
      }
      sums.tokens += packed.entries.length;
      sums.rows += usable.length;
    }
    if (sums.tokens === 0) return null;
    return {
      eval_loss: sums.loss / sums.tokens,
      eval_mean_token_accuracy: sums.correct / sums.tokens,
      eval_rows: sums.rows,
    };
  }

  /** As of training rows: those without a target, and those that are too long, are left out. */
  #fits({ prompt, completion }: Sample): boolean {
    const { maxLength } = this.#stage;
    return completion.length > 0 && (maxLength === 0 || prompt.tokens.length + completion.length <= maxLength);
  }
}
