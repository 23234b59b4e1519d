/** Losses over scored tokens; each gives d loss / d log-prob, which ops/log-probs.ts turns into hidden gradients. */
import bonus from '../../shaders/loss/entropy.wgsl';
import policy from '../../shaders/loss/policy.wgsl';
import type { Tensor } from '../gpu/tensor.ts';
import { ceilDiv, FLAT } from './groups.ts';
import type { Tape } from './tape.ts';

export interface PolicyTargets {
  /** [S] 0 masks a token; otherwise its share in the aggregated loss. */
  readonly weight: Tensor;
  /** [S] */
  readonly advantage: Tensor;
  /** [S]; absent when the policy has not moved since the rollout. */
  readonly old?: Tensor | undefined;
  /** [S]; absent when β is 0. */
  readonly reference?: Tensor | undefined;
}

export interface PolicySettings {
  readonly epsilon: number;
  readonly epsilonHigh: number;
  readonly beta: number;
  /** Multiply the KL term by the ratio (TRL's use_bias_correction_kl). */
  readonly klRatio: boolean;
}

/** Negative log-likelihood: loss = −Σ weight·logp. Returns terms [S, 4] whose first column sums to the loss. */
export function nllLoss(tape: Tape, logps: Tensor, weight: Tensor): Tensor {
  return record(tape, logps, { weight }, { epsilon: 0, epsilonHigh: 0, beta: 0, klRatio: false });
}

/**
 * GRPO's clipped objective with k3 KL (arXiv 2402.03300; TRL's GRPOTrainer), weights deciding grpo, dapo or dr_grpo.
 * Returns terms [S, 4]: weighted loss, kl, ratio, clipped (−1 low, 1 high).
 */
export function policyLoss(tape: Tape, logps: Tensor, targets: PolicyTargets, settings: PolicySettings): Tensor {
  return record(tape, logps, targets, settings);
}

/**
 * Takes coefficient · Σ weight·entropy from a loss, so that minimising it keeps the policy from growing too sure of itself
 * (the entropy bonus of PPO, arXiv 1707.06347, equation 9). Changes the first column of `terms` [S, 4].
 */
export function entropyBonus(
  tape: Tape,
  entropy: Tensor,
  { weight, terms, coefficient }: { readonly weight: Tensor; readonly terms: Tensor; readonly coefficient: number },
): void {
  const n = entropy.size;
  const dentropy = tape.rec.empty('d entropy', [n]);
  tape.rec.dispatch('loss/entropy', bonus, {
    bind: { entropy, weight, terms, dentropy },
    params: { n, coefficient },
    groups: [ceilDiv(n, FLAT)],
  });
  tape.addGrad(entropy, dentropy);
}

function record(
  tape: Tape,
  logps: Tensor,
  targets: Partial<PolicyTargets> & { weight: Tensor },
  { epsilon, epsilonHigh, beta, klRatio }: PolicySettings,
): Tensor {
  const { rec } = tape;
  const n = logps.size;
  const { weight, advantage, old, reference } = targets;
  const dlogps = rec.empty('d logps', [n]);
  const terms = rec.empty('loss terms', [n, 4]);
  rec.dispatch('loss/policy', policy, {
    constants: { LOSS_NLL: !advantage, ON_POLICY: !old, KL: !!reference, KL_RATIO: klRatio },
    bind: {
      logps,
      weight,
      dlogps,
      terms,
      ...(advantage && { advantage }),
      ...(old && { old }),
      ...(reference && { reference }),
    },
    params: { n, epsilonLow: epsilon, epsilonHigh, beta },
    groups: [ceilDiv(n, FLAT)],
  });
  tape.addGrad(logps, dlogps);
  return terms;
}
