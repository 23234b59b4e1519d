/** ReasonVOS: UniVG-R1's zero-shot file `ReasonVOS_eval.json`. Pictures of a video; the box is in the third, as text. */
import type { Benchmark } from './benchmark.ts';
import { digitsOf, four, has, isText, oneBox, texts } from './read.ts';
import { THIRD, videoPrompt, ZERO_SHOT, zeroShotPublished } from './zero-shot.ts';

export const reasonVos = {
  name: 'reasonVos',
  title: 'ReasonVOS',
  files: 'ReasonVOS_eval.json of GD-ML/UniVG-R1-data with its frames',
  marks: {
    keys: ['image_list', 'question', 'bbox_list'],
    own: ['image_list', 'bbox_list'],
    file: /reason_?vos/i,
    sign: (value) => {
      if (!has(value, 'image_list', 'question', 'bbox_list')) return null;
      // Boxes written as text are a quirk of the published file.
      return Array.isArray(value.bbox_list) && value.bbox_list.some(isText) ? 'certain' : 'likely';
    },
  },
  read: ({ image_list: list, question, bbox_list: boxes }) => {
    const images = texts(list);
    const third = Array.isArray(boxes) ? (boxes as unknown[])[THIRD] : null;
    const corners = isText(third) ? four(digitsOf(third).slice(0, 4)) : null;
    if (!images || !isText(question)) return 'it names no pictures or no question';
    if (images.length <= THIRD || !corners) return 'it has no third picture with a box of four whole numbers';
    return oneBox({
      benchmark: 'reasonVos',
      id: null,
      task: 'all',
      images,
      question: videoPrompt(question).split(' First output')[0]!,
      prompt: videoPrompt(question),
      corners,
      image: THIRD,
      space: 'natural',
    });
  },
  ...ZERO_SHOT,
  published: zeroShotPublished({ average: [9.83, 33.41, 58.73] }),
} as const satisfies Benchmark;
