/**
 * The policy-gradient losses by TRL's names. To add one: an entry here; if it does something new with the ratio, also an
 * objective (ops/objectives.ts).
 */
import type { ObjectiveName } from '../../ops/objectives.ts';
import type { Settings } from '../setting.ts';

/** Completions of one step. */
interface Step {
  readonly completions: number;
  /** Tokens in the loss, of all of them. */
  readonly tokens: number;
  readonly maxCompletionLength: number;
}

/** The share of each of a completion's tokens, of `length` tokens, in the loss of a step. */
const AVERAGES = {
  /** Mean over completions of the mean over their tokens. */
  'completion-mean': ({ completions }: Step, length: number) => 1 / (completions * length),
  /** Mean over all tokens of the step. */
  'token-mean': ({ tokens }: Step) => 1 / tokens,
  /** Mean over completions of the sum over their tokens, in units of the longest completion. */
  'fixed-length': ({ completions, maxCompletionLength }: Step) => 1 / (completions * maxCompletionLength),
  /** Mean over completions of the sum over their tokens. */
  'completion-sum': ({ completions }: Step) => 1 / completions,
} as const;

/** What a loss may object to. */
interface Advised {
  readonly epsilonHigh: number;
  readonly importanceSamplingLevel?: string;
}

export interface Loss {
  /** What is particular to it, for the user. */
  readonly summary: string;
  readonly objective: ObjectiveName;
  readonly average: keyof typeof AVERAGES;
  /** What speaks against the stage's settings; null: nothing. */
  advise?(stage: Advised): string | null;
  /** Own settings, each a template constant of the objective. */
  readonly settings?: Settings;
}

const real = { integer: false, min: 0, max: 100 } as const;

export const LOSSES = {
  grpo: {
    summary: 'Clipped. Each completion counts the same, so tokens of short completions weigh more.',
    objective: 'clipped',
    average: 'completion-mean',
    advise: () => 'The grpo average favours short completions, so lengths tend to shrink. dapo and dr_grpo do not.',
  },
  dapo: { summary: 'Clipped. Every token of a step counts the same.', objective: 'clipped', average: 'token-mean' },
  dr_grpo: {
    summary: 'Clipped. Every token counts the same in every step: sums are divided by the length limit of completions.',
    objective: 'clipped',
    average: 'fixed-length',
  },
  bnpo: {
    summary: 'Clipped. Every token of a batch counts the same. Here a step is one batch, so this equals dapo.',
    objective: 'clipped',
    average: 'token-mean',
  },
  cispo: {
    summary: 'Caps the ratio at “Clip above” instead of clipping, so that no token loses its gradient.',
    objective: 'cispo',
    average: 'token-mean',
    advise: ({ epsilonHigh }) =>
      epsilonHigh >= 1
        ? null
        : 'cispo uses “Clip above” as the largest ratio itself. 5 is usual. Below 1 every token is capped.',
  },
  sapo: {
    summary: 'A soft gate in place of the clip.',
    objective: 'sapo',
    average: 'completion-mean',
    settings: {
      temperaturePos: {
        ...real,
        min: 0.01,
        label: 'Gate, good completions',
        help: 'How sharply sapo’s gate closes on completions that were better than their group. Higher is sharper.',
        default: 1,
        trl: 'sapo_temperature_pos',
      },
      temperatureNeg: {
        ...real,
        min: 0.01,
        label: 'Gate, bad completions',
        help: 'How sharply sapo’s gate closes on completions that were worse than their group. Higher is sharper.',
        default: 1.05,
        trl: 'sapo_temperature_neg',
      },
    },
  },
  luspo: {
    summary: 'Clipped and weighted by length. Meant for the ratio of whole completions.',
    objective: 'clipped',
    average: 'completion-sum',
    advise: ({ importanceSamplingLevel }) =>
      importanceSamplingLevel === 'sequence'
        ? null
        : 'luspo is meant for the ratio of whole completions: set “Ratio of” to sequence.',
  },
  vespo: {
    summary: 'Weighs each completion by a smooth function of its whole ratio, without a clip.',
    objective: 'vespo',
    average: 'token-mean',
    settings: {
      kPos: {
        ...real,
        label: 'Power, good completions',
        help: 'k of vespo’s weight φ(w) for good completions.',
        default: 2,
        trl: 'vespo_k_pos',
      },
      lambdaPos: {
        ...real,
        label: 'Decay, good completions',
        help: 'λ of vespo’s weight φ(w) for good completions.',
        default: 3,
        trl: 'vespo_lambda_pos',
      },
      kNeg: {
        ...real,
        label: 'Power, bad completions',
        help: 'k of vespo’s weight φ(w) for bad completions.',
        default: 3,
        trl: 'vespo_k_neg',
      },
      lambdaNeg: {
        ...real,
        label: 'Decay, bad completions',
        help: 'λ of vespo’s weight φ(w) for bad completions.',
        default: 2,
        trl: 'vespo_lambda_neg',
      },
    },
  },
  gmpo: {
    summary: 'The geometric mean of a completion’s ratios, each clipped in log space, so that outliers count less.',
    objective: 'gmpo',
    average: 'completion-mean',
    advise: ({ epsilonHigh }) =>
      epsilonHigh > 0.3 ? null : 'gmpo clips in log space, where both clips are usually 0.4.',
  },
} as const satisfies Readonly<Record<string, Loss>>;

export type LossType = keyof typeof LOSSES;
export const LOSS_TYPES = Object.keys(LOSSES) as LossType[];

export const lossOf = (type: LossType): Loss => LOSSES[type];

/**
 * The share of each completion's tokens in the loss, TRL's aggregation over the whole step; 0 where masked.
 * @param active tokens in the loss, per completion; `lengths` all tokens
 */
export function lossWeights(
  { lossType, sampling }: { readonly lossType: LossType; readonly sampling: { readonly maxCompletionLength: number } },
  active: readonly number[],
  lengths: readonly number[],
): number[] {
  const share = AVERAGES[lossOf(lossType).average];
  const step: Step = {
    completions: active.length,
    tokens: Math.max(
      1,
      active.reduce((a, b) => a + b, 0),
    ),
    maxCompletionLength: sampling.maxCompletionLength,
  };
  return active.map((n, i) => (n === 0 ? 0 : share(step, lengths[i]!)));
}
