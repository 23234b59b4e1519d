/**
 * How far a student's distribution over the next token is from its teacher's, and what that asks of the student's
 * log-probabilities. All tokens, or a support of the student's likeliest ones; in f64. The formulas are those of
 * self-distillation (SDFT, arXiv 2601.19897; SDPO, arXiv 2601.20802) as TRL 1.13 computes them.
 */

export const DISTILLATION_MODES = ['topk_logits', 'full_logits', 'sampled_token'] as const;
export type DistillationMode = (typeof DISTILLATION_MODES)[number];

export interface DivergenceSettings {
  readonly distillationMode: DistillationMode;
  /** 0: forward KL (teacher over student). 1: reverse KL. Between: Jensen-Shannon, generalised. */
  readonly distillationAlpha: number;
  /** What the support lacks becomes one more token; else the support is renormalised. */
  readonly distillationAddTail: boolean;
}

export interface TokenLoss {
  readonly loss: number;
  /** d loss / d log-prob of each token of the student's support. */
  readonly slopes: Float64Array;
}

/** TRL's clamp: a support that holds all of the mass leaves this much. */
const LEAST_TAIL = -1e-7;

const logSumExp = (values: ArrayLike<number>): number => {
  let top = -Infinity;
  for (let i = 0; i < values.length; i++) top = Math.max(top, values[i]!);
  if (top === -Infinity) return top;
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.exp(values[i]! - top);
  return top + Math.log(sum);
};

/**
 * Of one position.
 * @param student log-probs of its support, under the whole vocabulary
 * @param teacher log-probs of the same tokens
 */
export function divergence(
  student: ArrayLike<number>,
  teacher: ArrayLike<number>,
  { distillationMode, distillationAlpha: alpha, distillationAddTail }: DivergenceSettings,
): TokenLoss {
  if (distillationMode === 'sampled_token') return sampledToken(student[0]!, teacher[0]!);
  if (distillationMode === 'full_logits') return between(student, teacher, alpha);
  return distillationAddTail ? withTail(student, teacher, alpha) : renormalised(student, teacher, alpha);
}

/** Reverse KL by the token that was drawn: its log-ratio, held, times its log-prob. */
function sampledToken(student: number, teacher: number): TokenLoss {
  const ratio = student - teacher;
  return { loss: ratio * student, slopes: Float64Array.of(ratio) };
}

function renormalised(student: ArrayLike<number>, teacher: ArrayLike<number>, alpha: number): TokenLoss {
  const [s, t] = [student, teacher].map((of) => {
    const all = logSumExp(of);
    return Float64Array.from(of, (v) => v - all);
  }) as [Float64Array, Float64Array];
  const { loss, slopes } = between(s, t, alpha);
  const sum = slopes.reduce((a, b) => a + b, 0);
  return { loss, slopes: slopes.map((slope, i) => slope - Math.exp(s[i]!) * sum) };
}

function withTail(student: ArrayLike<number>, teacher: ArrayLike<number>, alpha: number): TokenLoss {
  const held = logSumExp(student);
  const tailOf = (mass: number) => Math.log(-Math.expm1(Math.min(mass, LEAST_TAIL)));
  const { loss, slopes } = between(plus(student, tailOf(held)), plus(teacher, tailOf(logSumExp(teacher))), alpha);
  // d tail / d log-prob of a token is −p / (1 − mass); a clamped mass does not move.
  const pull = held > LEAST_TAIL ? 0 : slopes.at(-1)! / -Math.expm1(held);
  return { loss, slopes: slopes.subarray(0, -1).map((slope, i) => slope - pull * Math.exp(student[i]!)) };
}

function plus(values: ArrayLike<number>, last: number): Float64Array {
  const all = new Float64Array(values.length + 1).fill(last);
  all.set(Float64Array.from(values));
  return all;
}

/** Between two whole distributions. Tokens that neither gives any mass add nothing. */
function between(student: ArrayLike<number>, teacher: ArrayLike<number>, alpha: number): TokenLoss {
  const slopes = new Float64Array(student.length);
  let loss = 0;
  for (let i = 0; i < slopes.length; i++) {
    const [s, t] = [student[i]!, teacher[i]!];
    const [p, q] = [Math.exp(s), Math.exp(t)];
    if (alpha === 0) {
      if (q > 0) loss += q * (t - s);
      slopes[i] = -q;
      continue;
    }
    if (alpha === 1) {
      if (p === 0) continue;
      loss += p * (s - t);
      slopes[i] = p * (s - t + 1);
      continue;
    }
    const mixture = Math.log((1 - alpha) * p + alpha * q);
    if (p > 0) {
      loss += (1 - alpha) * p * (s - mixture);
      slopes[i] = (1 - alpha) * p * (s - mixture);
    }
    if (q > 0) loss += alpha * q * (t - mixture);
  }
  return { loss, slopes };
}

/** By how much a token counts whose policy has moved since it was sampled; not more than `clip`. 0: no correction. */
export const importance = (now: number, sampled: number, clip: number): number =>
  clip === 0 ? 1 : Math.min(Math.exp(Math.max(-20, Math.min(20, now - sampled))), clip);
