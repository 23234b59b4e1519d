/**
 * What a batch of judged answers asks of the policy, from log-probabilities alone: the loss, and its derivative by the
 * log-probability of every answer. All tokens of an answer have the same derivative, so the training pass is a weighted
 * negative log-likelihood. Values, gradients and metrics are those of TRL 1.13 (DPOTrainer, KTOTrainer).
 */
import type { Metrics } from '../grpo-metrics.ts';
import { DPO_LOSSES, DPO_LOSS_NAMES, type DpoWeights, type Margin } from './dpo-losses.ts';
import { sigmoid } from './sigmoid.ts';

/** An answer's log-probability, summed over its tokens, under the policy and under the reference. */
export interface AnswerScore {
  readonly logp: number;
  readonly reference: number;
  readonly tokens: number;
}

export interface Objective {
  readonly loss: number;
  /** d loss / d log-probability, one an answer. */
  readonly slopes: readonly number[];
  readonly metrics: Metrics;
}

export interface ScoredPair {
  readonly chosen: AnswerScore;
  readonly rejected: AnswerScore;
}

const marginOf = ({ logp, reference, tokens }: AnswerScore): Margin => ({ ratio: logp - reference, logp, tokens });

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** Slopes: of each pair first the preferred answer, then the other. */
export function dpoObjective(pairs: readonly ScoredPair[], weights: DpoWeights, beta: number): Objective {
  const settings = { beta, meanChosenTokens: mean(pairs.map(({ chosen }) => chosen.tokens)) };
  const slopes = new Array<number>(2 * pairs.length).fill(0);
  let loss = 0;
  for (const name of DPO_LOSS_NAMES) {
    const weight = weights[name] ?? 0;
    if (weight === 0) continue;
    for (const [i, { chosen, rejected }] of pairs.entries()) {
      const found = DPO_LOSSES[name].of(marginOf(chosen), marginOf(rejected), settings);
      const share = weight / pairs.length;
      loss += share * found.loss;
      slopes[2 * i]! += share * found.chosen;
      slopes[2 * i + 1]! += share * found.rejected;
    }
  }
  const rewards = pairs.map(({ chosen, rejected }) => [beta * marginOf(chosen).ratio, beta * marginOf(rejected).ratio]);
  return {
    loss,
    slopes,
    metrics: {
      'rewards/chosen': mean(rewards.map(([c]) => c!)),
      'rewards/rejected': mean(rewards.map(([, r]) => r!)),
      'rewards/accuracies': mean(rewards.map(([c, r]) => Number(c! > r!))),
      'rewards/margins': mean(rewards.map(([c, r]) => c! - r!)),
      'logps/chosen': mean(pairs.map(({ chosen }) => chosen.logp)),
      'logps/rejected': mean(pairs.map(({ rejected }) => rejected.logp)),
    },
  };
}

export const KTO_LOSSES = ['kto', 'apo_zero_unpaired'] as const;

export interface KtoSettings {
  readonly lossType: (typeof KTO_LOSSES)[number];
  readonly beta: number;
  readonly desirableWeight: number;
  readonly undesirableWeight: number;
}

export interface JudgedAnswer extends AnswerScore {
  readonly desirable: boolean;
}

/**
 * KTO (arXiv 2402.01306).
 * @param mismatched log π − log π_ref of answers under prompts that are not theirs: their mean, at least 0, is the point
 * that a gain is measured from. Empty for `apo_zero_unpaired`, which measures from 0.
 */
export function ktoObjective(
  answers: readonly JudgedAnswer[],
  mismatched: readonly number[],
  { lossType, beta, desirableWeight, undesirableWeight }: KtoSettings,
): Objective {
  const kl = lossType === 'kto' ? Math.max(0, mean(mismatched)) : 0;
  let loss = 0;
  const slopes = answers.map(({ logp, reference, desirable }) => {
    const sign = desirable ? 1 : -1;
    const gain = sign * beta * (logp - reference - kl);
    const share = (desirable ? desirableWeight : undesirableWeight) / answers.length;
    loss += share * sigmoid(-gain);
    return -sign * beta * share * sigmoid(gain) * sigmoid(-gain);
  });
  const of = (desirable: boolean, value: (answer: JudgedAnswer) => number) => {
    const some = answers.filter((answer) => answer.desirable === desirable);
    return some.length ? mean(some.map(value)) : null;
  };
  const reward = ({ logp, reference }: JudgedAnswer) => beta * (logp - reference);
  const [good, bad] = [of(true, reward), of(false, reward)];
  const told = {
    'rewards/chosen': good,
    'rewards/rejected': bad,
    'rewards/margins': good !== null && bad !== null ? good - bad : null,
    'logps/chosen': of(true, ({ logp }) => logp),
    'logps/rejected': of(false, ({ logp }) => logp),
  };
  return {
    loss,
    slopes,
    metrics: {
      kl,
      ...Object.fromEntries(Object.entries(told).filter((entry): entry is [string, number] => entry[1] !== null)),
    },
  };
}
