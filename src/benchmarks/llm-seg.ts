/** LLMSeg: UniVG-R1's zero-shot file `LLMSeg_eval.json`. `bbox` is nested; its first four numbers count. */
import type { Benchmark } from './benchmark.ts';
import { four, has, isText, oneBox } from './read.ts';
import { stillPrompt, ZERO_SHOT, zeroShotPublished } from './zero-shot.ts';

const nested = (value: unknown): readonly unknown[] | null =>
  Array.isArray(value) && value.length > 0 && value.every((part) => Array.isArray(part))
    ? (value.flat() as unknown[])
    : null;

export const llmSeg = {
  name: 'llmSeg',
  title: 'LLMSeg',
  files: 'LLMSeg_eval.json of GD-ML/UniVG-R1-data with its pictures',
  marks: {
    keys: ['image_path', 'question', 'bbox'],
    own: [],
    file: /llm_?seg/i,
    sign: (value) => {
      if (!has(value, 'image_path', 'question', 'bbox')) return null;
      return isText(value.image_path) && /llm_?seg/i.test(value.image_path) ? 'certain' : 'likely';
    },
  },
  read: ({ image_path: image, question, bbox }) => {
    const corners = four(nested(bbox)?.slice(0, 4));
    if (!isText(image) || !isText(question)) return 'it names no picture or no question';
    if (!corners) return 'bbox does not begin with four numbers';
    return oneBox({
      benchmark: 'llmSeg',
      id: null,
      task: 'all',
      images: [image],
      question: stillPrompt(question).split(' First output')[0]!,
      prompt: stillPrompt(question),
      corners,
      image: 0,
      space: 'natural',
    });
  },
  ...ZERO_SHOT,
  published: zeroShotPublished({ average: [35.53, 34.68, 50.6] }),
} as const satisfies Benchmark;
