/** Losses over scored tokens; each gives d loss / d log-prob, which ops/log-probs.ts turns into hidden gradients. */
import bonus from '../../shaders/loss/entropy.wgsl';
import policy from '../../shaders/loss/policy.wgsl';
import sequence from '../../shaders/loss/sequence.wgsl';
import { invariant } from '../base/error.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { ceilDiv, FLAT } from './groups.ts';
import { kernelOf } from './objective-kernels.ts';
import type { ObjectiveName, RATIO_LEVELS } from './objectives.ts';
import type { Tape } from './tape.ts';

export interface PolicyTargets {
  /** [S] 0 masks a token; otherwise its share in the aggregated loss. */
  readonly weight: Tensor;
  /** [S], equal within a completion. */
  readonly advantage: Tensor;
  /** [S]; absent when the policy has not moved since the rollout. */
  readonly old?: Tensor | undefined;
  /** [S]; absent when β is 0. */
  readonly reference?: Tensor | undefined;
  /** [S] 1 where the objective counts, 0 where only the KL term does; absent: everywhere. */
  readonly kept?: Tensor | undefined;
  /**
   * u32 [C, 4]: the tokens of each completion: its first, where the others start, how many in all, 0. Every token, those
   * that pad included, is in one; a count of 0 is none. Needed where `needsSpans`.
   */
  readonly spans?: Tensor | undefined;
}

export interface PolicySettings {
  readonly epsilon: number;
  readonly epsilonHigh: number;
  readonly beta: number;
  /** Multiply the KL term by the ratio (TRL's use_bias_correction_kl). Not done by GSPO-token and GMPO, as there. */
  readonly klRatio: boolean;
  /** Default: clipped. */
  readonly objective?: ObjectiveName;
  /** Values of the objective's template constants. */
  readonly constants?: Readonly<Record<string, number>>;
  /** Default: token. Objectives with a sequence of their own take no other. */
  readonly level?: (typeof RATIO_LEVELS)[number];
  /** Cap of the ratio for negative advantages too; absent: none. */
  readonly delta?: number;
  /** Completions with a negative advantage whose mean of old − logp is over this drop out; absent: none. */
  readonly offPolicyThreshold?: number;
}

/** Whether a loss looks at whole completions, and not only at tokens. */
export const needsSpans = ({ objective = 'clipped', level = 'token', offPolicyThreshold }: PolicySettings): boolean =>
  level !== 'token' || kernelOf(objective).sequence !== undefined || offPolicyThreshold !== undefined;

/** Negative log-likelihood: loss = −Σ weight·logp. Returns terms [S, 4] whose first column sums to the loss. */
export function nllLoss(tape: Tape, logps: Tensor, weight: Tensor): Tensor {
  const { dlogps, terms } = results(tape, logps);
  tape.rec.dispatch('loss/policy', policy, {
    constants: { ...NO_CONSTANTS, LOSS_NLL: true },
    bind: { logps, weight, dlogps, terms },
    params: { n: logps.size, epsilonLow: 0, epsilonHigh: 0, beta: 0 },
    groups: [ceilDiv(logps.size, FLAT)],
  });
  tape.addGrad(logps, dlogps);
  return terms;
}

const NO_CONSTANTS = {
  LOSS_NLL: false,
  ON_POLICY: true,
  KL: false,
  KL_RATIO: false,
  KL_SEQUENCE: false,
  LEVELS: false,
  SEQUENCE: false,
  MASKED: false,
} as const;

/**
 * GRPO's objective with k3 KL (arXiv 2402.03300) and its relatives, as TRL's trainers compute them; weights decide how
 * tokens are averaged. Returns terms [S, 4]: weighted loss, kl, coefficient, clipped (−1 low, 1 high).
 */
export function policyLoss(tape: Tape, logps: Tensor, targets: PolicyTargets, settings: PolicySettings): Tensor {
  const { rec } = tape;
  const n = logps.size;
  const { weight, advantage, old, reference, kept, spans } = targets;
  const { epsilon, epsilonHigh, beta, level = 'token', delta, constants } = settings;
  const { objective = 'clipped' } = settings;
  const kernel = kernelOf(objective);
  invariant(!kernel.sequence || level === 'token', 'this objective has a level of its own');
  const levels = needsSpans(settings) ? rec.empty('levels', [n, 4]) : undefined;
  const klRatio = settings.klRatio && !!reference && !kernel.plainKl && level !== 'sequence_token';
  const shared = {
    // Kernels are known by their names and constants, and the same name has a source for each objective.
    OBJECTIVE: objective,
    ON_POLICY: !old,
    KL_SEQUENCE: klRatio && level === 'sequence',
    MASKED: !!kept,
    DELTA: delta !== undefined,
    DELTA_VALUE: delta ?? 0,
    ...constants,
  };
  if (levels) {
    invariant(spans, 'a loss over completions needs their spans');
    const own = kernel.sequence !== undefined;
    const offPolicy = settings.offPolicyThreshold !== undefined && kernel.sequence !== 'geometric';
    rec.dispatch('loss/sequence', own ? behind(sequence, kernel.source) : sequence, {
      constants: {
        ...shared,
        OFF_POLICY: offPolicy,
        OWN_SHARE: own,
        SUM: kernel.sequence === 'sum',
        GEOMETRIC: kernel.sequence === 'geometric',
        TOKEN: !own && level === 'token',
        LOCAL: level === 'sequence_token' || !!kernel.likelihood,
      },
      bind: {
        spans,
        logps,
        weight,
        levels,
        ...((offPolicy || own) && { advantage }),
        ...(old && { old }),
        ...(shared.KL_SEQUENCE && { reference: reference! }),
        ...(kept && { kept }),
      },
      params: { n: spans.rows, epsilonLow: epsilon, epsilonHigh, threshold: settings.offPolicyThreshold ?? 0 },
      groups: [ceilDiv(spans.rows, FLAT)],
    });
  }
  const { dlogps, terms } = results(tape, logps);
  rec.dispatch('loss/policy', behind(policy, kernel.source), {
    constants: {
      ...shared,
      LOSS_NLL: false,
      KL: !!reference,
      KL_RATIO: klRatio,
      LEVELS: !!levels,
      SEQUENCE: kernel.sequence !== undefined || level !== 'token',
    },
    bind: {
      logps,
      weight,
      dlogps,
      terms,
      advantage,
      ...(old && { old }),
      ...(reference && { reference }),
      ...(levels ? { levels } : kept && { kept }),
    },
    params: { n, epsilonLow: epsilon, epsilonHigh, beta },
    groups: [ceilDiv(n, FLAT)],
  });
  tape.addGrad(logps, dlogps);
  return terms;
}

/** An objective's functions behind the kernel that calls them. */
const behind = (kernel: string, objective: string): string => `${kernel}\n${objective}`;

const results = ({ rec }: Tape, logps: Tensor) => ({
  dlogps: rec.empty('d logps', [logps.size]),
  terms: rec.empty('loss terms', [logps.size, 4]),
});

/**
 * Takes Σ share·entropy from a loss, so that minimising it keeps the policy from growing too sure of itself (the entropy
 * bonus of PPO, arXiv 1707.06347, equation 9). Changes the first column of `terms` [S, 4].
 * @param share f32 [S]: the coefficient over the number of tokens that it acts on, 0 elsewhere
 */
export function entropyBonus(
  tape: Tape,
  entropy: Tensor,
  { share, terms }: { readonly share: Tensor; readonly terms: Tensor },
): void {
  const n = entropy.size;
  const dentropy = tape.rec.empty('d entropy', [n]);
  tape.rec.dispatch('loss/entropy', bonus, {
    bind: { entropy, share, terms, dentropy },
    params: { n },
    groups: [ceilDiv(n, FLAT)],
  });
  tape.addGrad(entropy, dentropy);
}
