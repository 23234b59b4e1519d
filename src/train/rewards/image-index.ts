/**
 * Did the answer choose the right picture? With several boxes: pictures in common, counted with repetition, over
 * max(wanted, given). null where there was nothing to choose or nothing to compare with: rows of one picture, rows
 * without a solution, datasets that do not say the picture.
 * (MIRG-RL's image-level reward is of this kind; its exact form is unpublished.)
 */
import { defineReward } from './reward.ts';

export const imageIndex = defineReward({
  name: 'imageIndex',
  label: 'Right picture',
  summary: '1 when the box is in the right picture, wherever it is there. Does not apply to rows with one picture.',
  subject: 'pictures',
  range: [0, 1],
  weight: 0,
  always: true,
  score: ({ answer: { boxes } }, { solution, images }) => {
    if (solution.length === 0 || images.length < 2 || solution.some((s) => s.imageGuessed)) return null;
    const left = solution.map((s) => s.image);
    let common = 0;
    for (const { image } of boxes) {
      const at = image === null ? -1 : left.indexOf(image);
      if (at < 0) continue;
      left.splice(at, 1);
      common++;
    }
    return common / Math.max(boxes.length, solution.length);
  },
});
