/** What in the curves a person should be told about before it has cost an hour: what it means, and what to try. */
import { lowerBound } from '../charts/thin.ts';
import type { Curve, SeriesBook } from '../charts/series-book.ts';

export interface Alarm {
  readonly key: string;
  readonly title: string;
  readonly means: string;
  readonly attempt: string;
  /** The curves it is about, for marks on their charts. */
  readonly curves: readonly string[];
  /** Where it showed. */
  readonly steps: readonly number[];
}

/** Points looked at: one odd step is no alarm, several in a row are. */
const WINDOW = 5;
/** Points that a spike is compared with. */
const BEFORE = 20;
/** A spike is news for this many points. */
const RECENT = 25;

type Look = (name: string) => Curve;

const mean = (values: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
};

const median = (values: Float64Array): number => values.slice().sort()[Math.floor(values.length / 2)] ?? NaN;

/** The last points, if all of them (and at least three) pass. */
function lately({ steps, values }: Curve, test: (v: number) => boolean): number[] {
  const from = Math.max(0, values.length - WINDOW);
  const last = values.subarray(from);
  return last.length >= 3 && last.every(test) ? [...steps.subarray(from)] : [];
}

/** Steps, of the last few, whose value is `times` the median of those before it. */
function spikes({ steps, values }: Curve, times: number): number[] {
  const found: number[] = [];
  for (let i = Math.max(8, values.length - RECENT); i < values.length; i++) {
    const usual = median(values.subarray(Math.max(0, i - BEFORE), i));
    if (usual > 0 && values[i]! > times * usual) found.push(steps[i]!);
  }
  return found;
}

/** The first and the last five points of a curve long enough to compare them. */
function ends({ values }: Curve): { first: number; last: number } | null {
  if (values.length < 20) return null;
  return { first: mean(values.subarray(0, 5)), last: mean(values.subarray(values.length - 5)) };
}

const firstStep = ({ steps, values }: Curve, test: (v: number) => boolean): number => steps[values.findIndex(test)]!;

const lastOf = ({ steps }: Curve): number[] => (steps.length > 0 ? [steps[steps.length - 1]!] : []);

type Rule = Omit<Alarm, 'steps'> & { readonly look: (curve: Look) => readonly number[] };

/** Gravest first: what spoils the policy, what teaches nothing, what costs time, what is often harmless. */
const RULES: readonly Rule[] = [
  {
    key: 'kl',
    title: 'Far from the reference',
    means: 'The KL per token is above 1: the policy speaks another language than the model it started from.',
    attempt: 'Raise beta, lower the learning rate, or go back to an earlier step.',
    curves: ['kl'],
    look: (curve) => lately(curve('kl'), (v) => v > 1),
  },
  {
    key: 'entropy',
    title: 'Entropy collapsed',
    means: 'The policy is nearly certain of every token and has stopped exploring; groups will soon all be alike.',
    attempt: 'Lower the learning rate, raise the upper clip (epsilon_high 0.28), or stop and keep what there is.',
    curves: ['entropy'],
    look: (curve) => lately(curve('entropy'), (v) => v < 0.02),
  },
  {
    key: 'idle',
    title: 'Groups without a difference',
    means: 'In most groups all rewards are equal: every advantage is 0 and nothing is learned from them.',
    attempt:
      'Choose prompts of middling difficulty by rejection sampling, raise the temperature, or enlarge the group.',
    curves: ['frac_reward_zero_std'],
    look: (curve) => lately(curve('frac_reward_zero_std'), (v) => v > 0.8),
  },
  {
    key: 'clipped',
    title: 'Completions are cut',
    means: 'More than half of them end at the length limit, so they cannot earn their reward.',
    attempt: 'Raise the longest completion, or teach the form first with a few more supervised steps.',
    curves: ['completions/clipped_ratio'],
    look: (curve) => lately(curve('completions/clipped_ratio'), (v) => v > 0.5),
  },
  {
    key: 'shrinking',
    title: 'Completions shrink',
    means: 'They are less than half as long as at the start; the thoughts may be withering away.',
    attempt: 'Use dapo or dr_grpo as the loss: the grpo average favours short completions.',
    curves: ['completions/mean_length'],
    look: (curve) => {
      const both = ends(curve('completions/mean_length'));
      return both && both.last < both.first / 2 ? lastOf(curve('completions/mean_length')) : [];
    },
  },
  {
    key: 'growing',
    title: 'Completions grow',
    means: 'They are more than twice as long as at the start: steps slow down, and soon they will be cut.',
    attempt: 'Look at the groups for repetition; leave truncated completions out of the loss, or add a length reward.',
    curves: ['completions/mean_length'],
    look: (curve) => {
      const both = ends(curve('completions/mean_length'));
      return both && both.last > both.first * 2 ? lastOf(curve('completions/mean_length')) : [];
    },
  },
  {
    key: 'gradient',
    title: 'Gradient spike',
    means: 'The gradient norm jumped to more than five times what it had been. Clipping kept the step small.',
    attempt: 'One is harmless. If they come often, lower the learning rate or warm up longer.',
    curves: ['grad_norm'],
    look: (curve) => spikes(curve('grad_norm'), 5),
  },
];

/** Alarms of the stage that began at step `since`, gravest first: two stages share names of curves, and no more. */
export function alarmsOf(book: SeriesBook, since = 0): Alarm[] {
  const look: Look = (name) => {
    const { steps, values } = book.curve(name);
    const from = lowerBound(steps, since);
    return { steps: steps.subarray(from), values: values.subarray(from) };
  };
  const alarms: Alarm[] = [];
  const isStrange = (v: number) => !Number.isFinite(v);
  const strange = book.names().filter((name) => look(name).values.subarray(-WINDOW).some(isStrange));
  if (strange.length > 0)
    alarms.push({
      key: 'nan',
      title: 'Not a number',
      means: `${strange.join(', ')} became NaN or infinite. Weights may be spoiled from here on.`,
      attempt:
        'Stop and keep, then go back to an earlier checkpoint with a lower learning rate or a tighter gradient clip.',
      curves: strange,
      // Where it began: what is sound lies before it.
      steps: [Math.min(...strange.map((name) => firstStep(look(name), isStrange)))],
    });
  for (const { look: rule, ...alarm } of RULES) {
    const steps = rule(look);
    if (steps.length > 0) alarms.push({ ...alarm, steps });
  }
  return alarms;
}
