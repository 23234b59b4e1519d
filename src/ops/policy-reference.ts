/**
 * The policy losses in f64, written out as TRL defines them, a whole batch at a time. Nothing is derived here: a gradient
 * is the finite difference of `policyTerms` by `logps`, with `frozen` standing wherever TRL detaches.
 *
 * Source: TRL 1.13 `grpo_trainer.py` (_compute_loss), `experimental/gspo_token`, `experimental/gmpo`.
 */
import type { ObjectiveName } from './objectives.ts';
import type { PolicySettings } from './policy-loss.ts';

type Values = ArrayLike<number>;

export interface PolicyTokens {
  /** All [S]; `completion`: which one a token is of. */
  readonly completion: Values;
  readonly weight: Values;
  readonly advantage: Values;
  readonly old?: Values | undefined;
  readonly reference?: Values | undefined;
  readonly kept?: Values | undefined;
}

export interface PolicyTerm {
  readonly loss: number;
  readonly kl: number;
  readonly coefficient: number;
  readonly clipped: number;
}

/** What an objective sees of a token. */
interface Seen {
  /** The log-ratio at its level, and the same with everything detached. */
  readonly l: number;
  readonly detached: number;
  /** The token's own, detached. */
  readonly d: number;
  readonly a: number;
  readonly logp: number;
}

type Definition = (
  seen: Seen,
  settings: Required<Pick<PolicySettings, 'epsilon' | 'epsilonHigh' | 'constants'>> & {
    readonly delta: number;
  },
) => Omit<PolicyTerm, 'kl'>;

const clamp = (value: number, low: number, high: number) => Math.min(Math.max(value, low), high);

const DEFINITIONS: Readonly<Record<ObjectiveName, Definition>> = {
  clipped: ({ l, a }, { epsilon, epsilonHigh, delta }) => {
    const r = Math.min(Math.exp(l), delta);
    const bounded = clamp(Math.exp(l), 1 - epsilon, 1 + epsilonHigh);
    return {
      loss: -Math.min(r * a, bounded * a),
      coefficient: r,
      clipped: r < 1 - epsilon && a < 0 ? -1 : r > 1 + epsilonHigh && a > 0 ? 1 : 0,
    };
  },
  cispo: ({ detached, a, logp }, { epsilonHigh }) => {
    const r = Math.exp(detached);
    const capped = Math.min(r, epsilonHigh);
    return { loss: -capped * a * logp, coefficient: capped, clipped: Number(r > epsilonHigh && a > 0) };
  },
  sapo: ({ l, a }, { constants }) => {
    const r = Math.exp(l);
    const t = constants[a > 0 ? 'TEMPERATURE_POS' : 'TEMPERATURE_NEG']!;
    return { loss: ((-4 / t) * a) / (1 + Math.exp(-t * (r - 1))), coefficient: r, clipped: 0 };
  },
  vespo: ({ detached, a, logp }, { constants }) => {
    const w = clamp(detached, Math.log(1e-8), 20);
    const side = a >= 0 ? 'POS' : 'NEG';
    const lambda = Math.max(constants[`LAMBDA_${side}`]!, 1e-4);
    const phi = Math.exp(lambda + constants[`K_${side}`]! * w - lambda * Math.exp(w));
    return { loss: -phi * a * logp, coefficient: phi, clipped: 0 };
  },
  gmpo: ({ l, d, a }, { epsilon, epsilonHigh }) => ({
    loss: -Math.exp(l) * a,
    coefficient: Math.exp(l),
    clipped: d < -epsilon && a < 0 ? -1 : d > epsilonHigh && a > 0 ? 1 : 0,
  }),
};

/** One term a token, of the log-probs as they are, with those in `frozen` where the loss detaches them. */
export function policyTerms(
  logps: Values,
  frozen: Values,
  tokens: PolicyTokens,
  settings: PolicySettings,
): PolicyTerm[] {
  const { objective = 'clipped', level = 'token', offPolicyThreshold, beta, klRatio } = settings;
  const { completion, weight, advantage, reference } = tokens;
  const n = logps.length;
  const all = Array.from({ length: n }, (_, s) => s);
  const old = tokens.old ?? frozen;
  const kept = (s: number) => tokens.kept?.[s] ?? 1;
  const own = (values: Values) => (s: number) => values[s]! - old[s]!;
  const mates = (s: number) => all.filter((t) => completion[t] === completion[s]);
  const mean = (values: Values) => (s: number) =>
    mates(s).reduce((sum, t) => sum + own(values)(t), 0) / mates(s).length;
  const sum = (values: Values) => (s: number) =>
    mates(s).reduce((total, t) => total + clamp(own(values)(t), -20, 20), 0);
  const geometric = (values: Values) => (s: number) => {
    const a = advantage[s]!;
    const shares = mates(s).map((t) => {
      const d = own(values)(t);
      const bounded = clamp(d, -settings.epsilon, settings.epsilonHigh);
      return kept(t) * (a > 0 ? Math.min(d, bounded) : Math.max(d, bounded));
    });
    return (
      shares.reduce((x, y) => x + y, 0) /
      Math.max(
        1,
        mates(s).reduce((x, t) => x + kept(t), 0),
      )
    );
  };
  const at = objective === 'vespo' ? sum : objective === 'gmpo' ? geometric : level === 'token' ? own : mean;
  const [live, detached] = [at(logps), at(frozen)];
  // GSPO-token: the sequence's value, the token's gradient.
  const ratio = level === 'sequence_token' ? (s: number) => detached(s) + logps[s]! - frozen[s]! : live;
  return all.map((s) => {
    const a = advantage[s]!;
    const term = DEFINITIONS[objective](
      { l: ratio(s), detached: detached(s), d: own(frozen)(s), a, logp: logps[s]! },
      { delta: Infinity, constants: {}, ...settings },
    );
    let kl = 0;
    if (reference) {
      const gap = reference[s]! - logps[s]!;
      kl = Math.exp(gap) - gap - 1;
      if (klRatio && objective !== 'gmpo' && level !== 'sequence_token')
        kl *= Math.exp((level === 'sequence' ? mean : own)(logps)(s));
    }
    const far = offPolicyThreshold !== undefined && objective !== 'gmpo' && -mean(frozen)(s) > offPolicyThreshold;
    const counts = objective === 'gmpo' ? 1 : kept(s) * Number(a >= 0 || !far);
    return { ...term, kl, loss: weight[s]! * (counts * term.loss + beta * kl) };
  });
}

/**
 * d loss / d logp of every token, by central differences. Where a token lies exactly on a clip limit, the difference
 * towards ratio 1: what is at the limit is not clipped, as in torch.
 */
export function policyGradient(
  logps: Values,
  tokens: PolicyTokens,
  settings: PolicySettings,
  step = 1e-6,
): Float64Array {
  const total = (values: Values) =>
    policyTerms(values, logps, tokens, settings).reduce((loss, term) => loss + term.loss, 0);
  const here = total(logps);
  return Float64Array.from({ length: logps.length }, (_, s) => {
    const at = (steps: number) =>
      total(Float64Array.from(logps, (value, t) => (t === s ? value + steps * step : value)));
    const [above, below] = [at(1), at(-1)];
    const [up, down] = [(above - here) / step, (here - below) / step];
    const bends = Math.abs(up - down) > 1e-3 * Math.max(Math.abs(up), Math.abs(down)) + 1e-8;
    if (!bends) return (above - below) / (2 * step);
    const side = logps[s]! > (tokens.old ?? logps)[s]! ? -1 : 1;
    return (side * (4 * at(side) - 3 * here - at(2 * side))) / (2 * step);
  });
}
