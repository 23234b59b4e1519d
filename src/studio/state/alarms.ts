/** What in the curves a person should be told about before it has cost an hour: what it means, and what to try. */
import { REWARDS } from '../../engine/presets.ts';
import { lowerBound } from '../../base/thin.ts';
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

const NAN = 'Not a number';
const isStrange = (v: number) => !Number.isFinite(v);

const mean = (values: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
};

const median = (values: Float64Array): number => values.slice().sort()[Math.floor(values.length / 2)] ?? NaN;

/** When a curve gives an alarm. */
interface Sign {
  /** At a point, by it and those before it. */
  readonly fires: (curve: Curve, i: number) => boolean;
  /** Where it shows as long as it is news; empty: nowhere. */
  readonly look: (curve: Curve) => readonly number[];
}

/** Shown by the newest points, as long as the last of them fires. */
const whileLast = (fires: Sign['fires'], shown: number): Sign => ({
  fires,
  look: (curve) => {
    const n = curve.steps.length;
    return n > 0 && fires(curve, n - 1) ? [...curve.steps.subarray(-shown)] : [];
  },
});

/** The last points (at least three) pass, all of them. */
const lately = (test: (v: number) => boolean): Sign =>
  whileLast(({ values }, i) => {
    for (let k = Math.max(0, i + 1 - WINDOW); k <= i; k++) if (!test(values[k]!)) return false;
    return i >= 2;
  }, WINDOW);

/** The first five points and the last five of a curve that is long enough to compare them. */
const turned = (test: (first: number, last: number) => boolean): Sign =>
  whileLast(({ values }, i) => i >= 19 && test(mean(values.subarray(0, 5)), mean(values.subarray(i - 4, i + 1))), 1);

/** A value is `times` the median of those before it. */
function spike(times: number): Sign {
  const fires: Sign['fires'] = ({ values }, i) => {
    if (i < 8) return false;
    const before = values.subarray(Math.max(0, i - BEFORE), i);
    const value = values[i]!;
    // The median is no less than the lowest: most points need no sorting.
    let lowest = Infinity;
    for (const v of before) lowest = Math.min(lowest, v);
    if (value <= times * lowest) return false;
    const usual = median(before);
    return usual > 0 && value > times * usual;
  };
  return {
    fires,
    look: (curve) => {
      const recent: number[] = [];
      for (let i = Math.max(0, curve.steps.length - RECENT); i < curve.steps.length; i++)
        if (fires(curve, i)) recent.push(curve.steps[i]!);
      return recent;
    },
  };
}

const firstStep = ({ steps, values }: Curve, test: (v: number) => boolean): number => steps[values.findIndex(test)]!;

type Rule = Omit<Alarm, 'steps' | 'curves'> & { readonly curve: string; readonly sign: Sign };

/** Gravest first: what spoils the policy, what teaches nothing, what costs time, what is often harmless. */
const RULES: readonly Rule[] = [
  {
    key: 'kl',
    title: 'Far from the reference',
    means: 'The KL per token is above 1: the policy now writes very differently from the model it started from.',
    attempt: 'Raise beta, lower the learning rate, or go back to an earlier checkpoint.',
    curve: 'kl',
    sign: lately((v) => v > 1),
  },
  {
    key: 'entropy',
    title: 'Entropy collapsed',
    means:
      'The policy is nearly certain of every token and has stopped exploring. Soon all completions of a group will be alike.',
    attempt: 'Lower the learning rate, raise the upper clip (epsilon_high 0.28), or stop and keep the result so far.',
    curve: 'entropy',
    sign: lately((v) => v < 0.02),
  },
  {
    key: 'idle',
    title: 'Groups with equal rewards',
    means: 'In most groups all rewards are equal, so every advantage is 0 and nothing is learned from them.',
    attempt: 'Keep prompts of medium difficulty by rejection sampling, raise the temperature, or enlarge the group.',
    curve: 'frac_reward_zero_std',
    sign: lately((v) => v > 0.8),
  },
  {
    key: 'dropped',
    title: 'Groups are dropped',
    means: 'More than four fifths of the sampled groups taught nothing, so their time was wasted.',
    attempt: `Keep prompts of medium difficulty by rejection sampling, or give weight to “${REWARDS.giou.label}”, which separates near from far where boxes do not touch.`,
    curve: 'frac_groups_dropped',
    sign: lately((v) => v > 0.8),
  },
  {
    key: 'disagreeing',
    title: 'Thoughts contradict answers',
    means: 'The box that a thought ends with and the box of its answer overlap by less than a third.',
    attempt: `Give weight to the reward “${REWARDS.agreement.label}”, or teach the form again with a few supervised steps.`,
    curve: 'thoughts/agreement',
    sign: lately((v) => v < 0.33),
  },
  {
    key: 'refusing',
    title: 'Nothing is found',
    means: 'More than half of the answers say that nothing is there.',
    attempt: `Give weight to the reward “${REWARDS.refusal.label}”, which costs reward where something is there, or train on fewer rows without a target.`,
    curve: 'answers/refused',
    sign: lately((v) => v > 0.5),
  },
  {
    key: 'large-boxes',
    title: 'Boxes grow',
    means: 'Boxes are more than one and a half times as large as the true ones: a large box is a safe answer.',
    attempt: `Give weight to “${REWARDS.giou.label}”, which lowers the reward of a box that is too large, and less to “${REWARDS.centre.label}”.`,
    curve: 'boxes/area_ratio',
    sign: lately((v) => v > 1.5),
  },
  {
    key: 'small-boxes',
    title: 'Boxes shrink',
    means: 'Boxes have less than two thirds of the area of the true ones.',
    attempt: `Give less weight to “${REWARDS.centre.label}”, which small boxes earn more easily, and more to “${REWARDS.iou.label}”.`,
    curve: 'boxes/area_ratio',
    sign: lately((v) => v < 0.67),
  },
  {
    key: 'clipped',
    title: 'Completions are truncated',
    means: 'More than half of them reach the length limit, so they cannot earn their reward.',
    attempt: 'Raise the maximum completion length, or teach the format first with a few more SFT steps.',
    curve: 'completions/clipped_ratio',
    sign: lately((v) => v > 0.5),
  },
  {
    key: 'shrinking',
    title: 'Completions shrink',
    means: 'They are less than half as long as at the start. The model may be giving up its thoughts.',
    attempt: 'Use the dapo or dr_grpo loss: the grpo average favours short completions.',
    curve: 'completions/mean_length',
    sign: turned((first, last) => last < first / 2),
  },
  {
    key: 'growing',
    title: 'Completions grow',
    means:
      'They are more than twice as long as at the start. Steps get slower, and completions will soon be truncated.',
    attempt: `Look for repetition in the groups. Leave truncated completions out of the loss, or give weight to the reward “${REWARDS.softOverlong.label}”.`,
    curve: 'completions/mean_length',
    sign: turned((first, last) => last > first * 2),
  },
  {
    key: 'gradient',
    title: 'Gradient spike',
    means: 'The gradient norm jumped to more than five times its earlier level. Clipping kept the step small.',
    attempt: 'One spike is harmless. If they come often, lower the learning rate or warm up longer.',
    curve: 'grad_norm',
    sign: spike(5),
  },
];

/** Alarms of the stage that began at step `since`, gravest first: two stages share names of curves, and no more. */
export function alarmsOf(book: SeriesBook, since = 0): Alarm[] {
  const look = (name: string) => part(book.curve(name), since, Infinity);
  const alarms: Alarm[] = [];
  const strange = book.names().filter((name) => look(name).values.subarray(-WINDOW).some(isStrange));
  if (strange.length > 0)
    alarms.push({
      key: 'nan',
      title: NAN,
      means: `${strange.join(', ')} became NaN or infinite. The weights may be unusable from here on.`,
      attempt:
        'Stop and keep. Then go back to an earlier checkpoint with a lower learning rate or a tighter gradient clip.',
      curves: strange,
      // Where it began: what is sound lies before it.
      steps: [Math.min(...strange.map((name) => firstStep(look(name), isStrange)))],
    });
  for (const { curve, sign, ...alarm } of RULES) {
    const steps = sign.look(look(curve));
    if (steps.length > 0) alarms.push({ ...alarm, curves: [curve], steps });
  }
  return alarms;
}

/** A stretch of steps over which an alarm held. */
export interface LoggedAlarm {
  readonly title: string;
  /** The curve it was about. */
  readonly curve: string;
  readonly from: number;
  readonly to: number;
  /** The stage by its name. */
  readonly stage: string;
  /** It holds at the newest point of its curve. */
  readonly lasts: boolean;
}

/** Every alarm of a run from its first step on, the newest first. `stages` have their first steps, ascending. */
export function alarmLog(book: SeriesBook, stages: readonly { readonly step: number; readonly name: string }[]) {
  const log: LoggedAlarm[] = [];
  stages.forEach(({ step, name: stage }, s) => {
    const end = stages[s + 1]?.step ?? Infinity;
    const gather = (title: string, name: string, fires: Sign['fires']) => {
      const all = book.curve(name);
      const curve = part(all, step, end);
      for (let i = 0; i < curve.steps.length; i++) {
        if (!fires(curve, i)) continue;
        const from = curve.steps[i]!;
        while (i + 1 < curve.steps.length && fires(curve, i + 1)) i++;
        const to = curve.steps[i]!;
        log.push({ title, curve: name, from, to, stage, lasts: to === all.steps[all.steps.length - 1] });
      }
    };
    for (const name of book.names()) gather(NAN, name, ({ values }, i) => isStrange(values[i]!));
    for (const { title, curve, sign } of RULES) gather(title, curve, sign.fires);
  });
  return log.sort((a, b) => b.from - a.from);
}

/** A curve from a step until before another. */
function part({ steps, values }: Curve, from: number, end: number): Curve {
  const [a, b] = [lowerBound(steps, from), lowerBound(steps, end)];
  return { steps: steps.subarray(a, b), values: values.subarray(a, b) };
}
