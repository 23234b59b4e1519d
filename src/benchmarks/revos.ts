/**
 * ReVOS: UniVG-R1's zero-shot file `ReVOS_eval.json`. A video and the places of its frames, in the order of the first
 * number in their names; the box is in the third of them.
 */
import type { Benchmark } from './benchmark.ts';
import { digitsOf, four, has, isText, oneBox } from './read.ts';
import { THIRD, videoPrompt, ZERO_SHOT, zeroShotPublished } from './zero-shot.ts';

/** Python's int() of a number. */
const whole = (value: unknown): unknown => (typeof value === 'number' ? Math.trunc(value) : value);

export const revos = {
  name: 'revos',
  title: 'ReVOS',
  files: 'ReVOS_eval.json of GD-ML/UniVG-R1-data with its folders of frames',
  marks: {
    keys: ['video_id', 'frames', 'question', 'bbox_list'],
    own: ['video_id', 'bbox_list'],
    file: /revos/i,
    sign: (value) => (has(value, 'video_id', 'frames', 'question', 'bbox_list') ? 'likely' : null),
  },
  read: ({ video_id: video, frames, question, bbox_list: boxes }, { picturesIn }) => {
    if (!isText(video) || !isText(question)) return 'it names no video or no question';
    const numbers = Array.isArray(frames) ? (frames as unknown[]) : [];
    if (!numbers.every((n) => Number.isInteger(n) && (n as number) >= 0)) return 'frames are not whole numbers';
    const third = Array.isArray(boxes) ? (boxes as unknown[])[THIRD] : null;
    const corners = Array.isArray(third) ? four(third.map(whole)) : null;
    if (numbers.length <= THIRD || !corners) return 'it has no third frame with a box of four numbers';
    const names = picturesIn(video)
      .filter((name) => /\.(?:jpg|png)$/.test(name) && /\d/.test(name))
      .map((name) => ({ name, number: digitsOf(name)[0]! }))
      .sort((a, b) => a.number - b.number);
    const images = numbers.map((n) => names[n as number]?.name);
    if (images.includes(undefined))
      return `the folder ${video} has ${names.length} frames, and frame ${Math.max(...(numbers as number[])) + 1} is asked for`;
    return oneBox({
      benchmark: 'revos',
      id: null,
      task: 'all',
      images: images.map((name) => `${video}/${name}`),
      question: videoPrompt(question).split(' First output')[0]!,
      prompt: videoPrompt(question),
      corners,
      image: THIRD,
      space: 'natural',
    });
  },
  ...ZERO_SHOT,
  published: zeroShotPublished({ average: [23.55, 39.7, 60.03] }),
} as const satisfies Benchmark;
