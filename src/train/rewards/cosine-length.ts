/**
 * Right answers are worth more when they are short, wrong ones less: a cosine from the shortest to the longest completion
 * (arXiv 2502.03373, appendix C.1; TRL `get_cosine_scaled_reward`, its bounds). Right is IoU ≥ `threshold` for every box.
 * null for rows whose right answer is not known.
 */
import { defineReward } from './reward.ts';
import { succeedsAt } from './success.ts';

const bound = { integer: false, min: -10, max: 10 } as const;

export const cosineLength = defineReward({
  name: 'cosineLength',
  label: 'Cosine length',
  summary: 'For right answers from 1 (short) to 0.5 (longest), for wrong ones from −1 (short) to −0.5 (longest).',
  subject: 'length',
  range: [-10, 10],
  weight: 0,
  settings: {
    threshold: {
      label: 'Cosine length: right from IoU',
      help: 'An answer is right when each of its boxes reaches this overlap, in the right image.',
      integer: false,
      min: 0,
      max: 1,
      default: 0.5,
      unit: 'IoU',
    },
    shortRight: { ...bound, label: 'Right and short', help: 'Value of a right answer of no length.', default: 1 },
    longRight: {
      ...bound,
      label: 'Right and longest',
      help: 'Value of a right answer of the longest length.',
      default: 0.5,
    },
    shortWrong: { ...bound, label: 'Wrong and short', help: 'Value of a wrong answer of no length.', default: -1 },
    longWrong: {
      ...bound,
      label: 'Wrong and longest',
      help: 'Value of a wrong answer of the longest length.',
      default: -0.5,
    },
  },
  score: ({ answer, tokens }, row, v, { maxCompletionLength }) => {
    if (row.wanted === null) return null;
    const [short, long] = succeedsAt(answer, row, v.threshold)
      ? [v.shortRight, v.longRight]
      : [v.shortWrong, v.longWrong];
    const progress = Math.min(tokens / maxCompletionLength, 1);
    return long + 0.5 * (short - long) * (1 + Math.cos(progress * Math.PI));
  },
});
