/** Which curves stand together in one chart, and in which order. */

/** Which curves stand together in one chart, by TRL's names. Unknown curves get a chart of their own. */
export interface Panel {
  readonly key: string;
  readonly title: string;
  readonly curves: readonly string[];
  /** One line on how to read it. */
  readonly about: string;
}

interface Rule {
  readonly title: string;
  readonly about: string;
  readonly matches: (name: string) => boolean;
}

const one =
  (...names: string[]) =>
  (name: string) =>
    names.includes(name);

const RULES: readonly Rule[] = [
  {
    title: 'Loss',
    about: 'Should fall in SFT stages. In GRPO it stays near zero: watch the reward instead.',
    matches: one('loss', 'policy_loss', 'eval_loss'),
  },
  {
    title: 'Reward',
    about: 'Weighted sum of the reward terms. Mean over the completions of a step.',
    matches: one('reward', 'reward_std'),
  },
  {
    title: 'Reward terms',
    about: 'Each rule on its own, before its weight.',
    matches: (name) => /^rewards\/.+\/mean$/.test(name),
  },
  {
    title: 'Preferred and other answers',
    about:
      'Beta times the log-ratio to the reference. The margin should grow. If both fall together, something is wrong.',
    matches: one('rewards/chosen', 'rewards/rejected', 'rewards/margins'),
  },
  {
    title: 'Preference accuracy',
    about: 'Share of pairs in which the preferred answer has gained more than the other.',
    matches: one('rewards/accuracies'),
  },
  {
    title: 'Likelihood of answers',
    about: 'Log-probability of whole answers.',
    matches: one('logps/chosen', 'logps/rejected'),
  },
  {
    title: 'Distillation',
    about:
      'Divergence from the teacher, mean over tokens. Should fall; answers may still become better when it no longer does.',
    matches: one('self_distillation/distillation_loss'),
  },
  {
    title: 'Taught answers',
    about:
      'Share of completions that have a teacher: with right answers as hints, those of prompts with another right one.',
    matches: one('self_distillation/reprompt_sample_fraction', 'self_distillation/success_group_fraction'),
  },
  {
    title: 'Accuracy',
    about: 'SFT: share of target tokens that the model ranks first. Evaluation: share of boxes that overlap enough.',
    matches: (name) => /accuracy|acc_?at|mean_iou/i.test(name),
  },
  {
    title: 'Completion length',
    about: 'Tokens. Steady growth or shrinking is a warning.',
    matches: one('completions/mean_length', 'completions/min_length', 'completions/max_length'),
  },
  {
    title: 'Truncated and idle',
    about:
      'Share of completions that reached the length limit, of groups with equal rewards, which teach nothing, and of groups that were dropped or replaced.',
    matches: one('completions/clipped_ratio', 'frac_reward_zero_std', 'frac_groups_dropped', 'frac_groups_replayed'),
  },
  {
    title: 'Answers',
    about:
      'Boxes: area given over area wanted. Thoughts: overlap of the box they end with and the answer’s. Refused: share of answers that say that nothing is there.',
    matches: one('boxes/area_ratio', 'thoughts/agreement', 'answers/refused'),
  },
  {
    title: 'Thoughts',
    about: 'Share of rows that got a thought, and of candidates that are kept.',
    matches: one('thoughts/rows', 'thoughts/kept'),
  },
  {
    title: 'What candidates were dropped for',
    about: 'Share of candidates with each fault. One may have several.',
    matches: (name) => name.startsWith('faults/'),
  },
  { title: 'KL', about: 'Distance to the reference policy: the model with its adapter off.', matches: one('kl') },
  {
    title: 'Entropy',
    about: 'Mean over tokens. Near zero, the policy has stopped exploring.',
    matches: one('entropy'),
  },
  {
    title: 'Clipped ratios',
    about: 'Share of tokens whose policy ratio is clipped.',
    matches: (name) => name.startsWith('clip_ratio/') || name === 'cispo_clip_ratio',
  },
  { title: 'Gradient norm', about: 'Before clipping.', matches: one('grad_norm') },
  { title: 'Learning rate', about: 'By the schedule.', matches: one('learning_rate') },
  { title: 'Speed', about: 'Tokens per second.', matches: (name) => /tokens_per_second/.test(name) },
  { title: 'Step time', about: 'Seconds per step.', matches: one('step_time', 'step_seconds') },
];

/** Curves that say nothing as a curve. */
const HIDDEN = new Set(['num_tokens', 'epoch', 'step', 'eval_rows', 'eval_answers']);

export function panelsFor(names: readonly string[]): Panel[] {
  const rest = new Set(names.filter((name) => !HIDDEN.has(name)));
  const panels: Panel[] = [];
  for (const { title, about, matches } of RULES) {
    const curves = [...rest].filter(matches);
    for (const name of curves) rest.delete(name);
    if (curves.length > 0) panels.push({ key: title, title, about, curves });
  }
  for (const name of [...rest].sort()) panels.push({ key: name, title: name, about: '', curves: [name] });
  return panels;
}

/** A curve's name where the chart's title already says the rest. */
export const shortName = (name: string): string =>
  name
    .replace(/^rewards\/(.+)\/mean$/, '$1')
    .replace(/^completions\//, '')
    .replace(/_/g, ' ');
