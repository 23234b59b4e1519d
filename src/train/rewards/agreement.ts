/**
 * Does the thought lead to the answer? The overlap of the last box that the thought names with the box of the answer that
 * it fits best, in the same picture where the thought says which. null where the thought names no box: naming none is no
 * fault. (Faithful GRPO, arXiv 2604.08476: a quarter of thoughts learned by reinforcement contradict their answer.)
 */
import { iou } from '../../grounding/box.ts';
import { defineReward, type Completion } from './reward.ts';

/** 0–1; null where the thought names no box. */
export function agreementOf({
  thoughtBoxes,
  boxes,
}: Pick<Completion['answer'], 'thoughtBoxes' | 'boxes'>): number | null {
  const last = thoughtBoxes.at(-1);
  if (!last) return null;
  const fits = boxes.filter(({ image }) => last.image === null || image === null || image === last.image);
  return fits.reduce((best, { box }) => Math.max(best, iou(box, last.box)), 0);
}

export const agreement = defineReward({
  name: 'agreement',
  label: 'Thought agrees',
  summary:
    'Overlap of the last box named in the thought with the answer’s; does not apply where the thought names none.',
  subject: 'thought',
  asks: 'thought',
  range: [0, 1],
  weight: 0,
  score: ({ answer }) => agreementOf(answer),
});
