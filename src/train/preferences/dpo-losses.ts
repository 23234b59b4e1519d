/**
 * Losses over pairs of answers to one prompt, of which one was preferred. Each is one entry: adding one adds its weight to
 * the recipe, the schema and the form. Formulas are those of TRL 1.13's DPOTrainer, whose names they have.
 */
import { logSigmoid, sigmoid } from './sigmoid.ts';

/** What a loss sees of one answer. */
export interface Margin {
  /** log π(y|x) − log π_ref(y|x), summed over the answer's tokens. */
  readonly ratio: number;
  readonly logp: number;
  readonly tokens: number;
}

export interface PairSettings {
  readonly beta: number;
  /** Tokens of a preferred answer, mean over the batch. */
  readonly meanChosenTokens: number;
}

/** A pair's loss, and its derivatives by the log-probability of each answer. */
export interface PairLoss {
  readonly loss: number;
  readonly chosen: number;
  readonly rejected: number;
}

export interface DpoLoss {
  readonly label: string;
  readonly summary: string;
  readonly of: (chosen: Margin, rejected: Margin, settings: PairSettings) => PairLoss;
}

/** −log σ(β·δ) of the difference of two numbers. */
function logistic(difference: number, beta: number, shares: readonly [number, number] = [1, 1]): PairLoss {
  const slope = -beta * sigmoid(-beta * difference);
  return { loss: -logSigmoid(beta * difference), chosen: slope * shares[0], rejected: -slope * shares[1] };
}

const perToken = (c: Margin, r: Margin) => ({
  difference: c.ratio / Math.max(1, c.tokens) - r.ratio / Math.max(1, r.tokens),
  shares: [1 / Math.max(1, c.tokens), 1 / Math.max(1, r.tokens)] as const,
});

/** σ′ */
const slopeOf = (x: number): number => sigmoid(x) * sigmoid(-x);

export const DPO_LOSSES = {
  sigmoid: {
    label: 'Sigmoid',
    summary:
      'DPO as published (arXiv 2305.18290): the margin of the preferred answer over the other grows, ever slower.',
    of: (c, r, { beta }) => logistic(c.ratio - r.ratio, beta),
  },
  sigmoid_norm: {
    label: 'Sigmoid by token',
    summary: 'The same with margins per token, so that long answers do not count more.',
    of: (c, r, { beta }) => {
      const { difference, shares } = perToken(c, r);
      return logistic(difference, beta, shares);
    },
  },
  hinge: {
    label: 'Hinge',
    summary: 'A margin of 1/β is enough (SLiC, arXiv 2305.10425).',
    of: (c, r, { beta }) => {
      const short = 1 - beta * (c.ratio - r.ratio);
      return { loss: Math.max(0, short), chosen: short > 0 ? -beta : 0, rejected: short > 0 ? beta : 0 };
    },
  },
  ipo: {
    label: 'IPO',
    summary: 'The margin per token shall be 1/(2β), no less and no more (arXiv 2310.12036).',
    of: (c, r, { beta }) => {
      const { difference, shares } = perToken(c, r);
      const off = difference - 1 / (2 * beta);
      return { loss: off ** 2, chosen: 2 * off * shares[0], rejected: -2 * off * shares[1] };
    },
  },
  bco_pair: {
    label: 'BCO',
    summary: 'Each answer on its own: the preferred one above the reference, the other below (arXiv 2404.04656).',
    of: (c, r, { beta }) => ({
      loss: -logSigmoid(beta * c.ratio) - logSigmoid(-beta * r.ratio),
      chosen: -beta * sigmoid(-beta * c.ratio),
      rejected: beta * sigmoid(beta * r.ratio),
    }),
  },
  nca_pair: {
    label: 'NCA',
    summary: 'As BCO, and the preferred answer is held near the reference (arXiv 2402.05369).',
    of: (c, r, { beta }) => ({
      loss: -logSigmoid(beta * c.ratio) - 0.5 * logSigmoid(-beta * c.ratio) - 0.5 * logSigmoid(-beta * r.ratio),
      chosen: -beta * sigmoid(-beta * c.ratio) + 0.5 * beta * sigmoid(beta * c.ratio),
      rejected: 0.5 * beta * sigmoid(beta * r.ratio),
    }),
  },
  apo_zero: {
    label: 'APO-zero',
    summary:
      'The preferred answer more likely, the other less: for answers better than the model’s own (arXiv 2408.06266).',
    of: (c, r, { beta }) => ({
      loss: sigmoid(-beta * c.ratio) + sigmoid(beta * r.ratio),
      chosen: -beta * slopeOf(beta * c.ratio),
      rejected: beta * slopeOf(beta * r.ratio),
    }),
  },
  apo_down: {
    label: 'APO-down',
    summary: 'Both less likely, the other one more so: for answers worse than the model’s own.',
    of: (c, r, { beta }) => {
      const margin = slopeOf(beta * (c.ratio - r.ratio));
      return {
        loss: sigmoid(beta * c.ratio) + sigmoid(-beta * (c.ratio - r.ratio)),
        chosen: beta * slopeOf(beta * c.ratio) - beta * margin,
        rejected: beta * margin,
      };
    },
  },
  sft: {
    label: 'SFT',
    summary: 'The preferred answers are learned as they are: mean over all their tokens.',
    of: (c, _r, { meanChosenTokens }) => ({
      loss: -c.logp / meanChosenTokens,
      chosen: -1 / meanChosenTokens,
      rejected: 0,
    }),
  },
} as const satisfies Readonly<Record<string, DpoLoss>>;

export type DpoLossName = keyof typeof DPO_LOSSES;
export const DPO_LOSS_NAMES = Object.keys(DPO_LOSSES) as DpoLossName[];
/** TRL's loss_type and loss_weights: what has the weight 0 is not in the list. */
export type DpoWeights = Readonly<Partial<Record<DpoLossName, number>>>;
