/** LISA-Grounding: UniVG-R1's zero-shot files `lisa_val.json` and `lisa_test.json`. Of several boxes the first counts. */
import type { Benchmark } from './benchmark.ts';
import { four, has, isText, oneBox } from './read.ts';
import { stillPrompt, ZERO_SHOT, zeroShotPublished } from './zero-shot.ts';

export const lisa = {
  name: 'lisa',
  title: 'LISA-Grounding',
  files: 'lisa_val.json, lisa_test.json of GD-ML/UniVG-R1-data with their pictures',
  marks: {
    keys: ['image_path', 'instruction', 'boxes'],
    own: ['boxes'],
    file: /lisa|reason_?seg/i,
    sign: (value) => {
      if (!has(value, 'image_path', 'instruction', 'boxes')) return null;
      return isText(value.image_path) && /(?:^|\/)(?:lisa|reason_?seg)/i.test(value.image_path) ? 'certain' : 'likely';
    },
  },
  read: ({ image_path: image, instruction, boxes }, { file }) => {
    const corners = Array.isArray(boxes) ? four(boxes[0]) : null;
    if (!isText(image) || !isText(instruction)) return 'it names no picture or no instruction';
    if (!corners) return 'its first box is not four numbers';
    return oneBox({
      benchmark: 'lisa',
      id: null,
      task: /val[^/]*$/i.test(file) ? 'val' : /test[^/]*$/i.test(file) ? 'test' : 'all',
      images: [image],
      question: stillPrompt(instruction).split(' First output')[0]!,
      prompt: stillPrompt(instruction),
      corners,
      image: 0,
      space: 'natural',
    });
  },
  ...ZERO_SHOT,
  published: zeroShotPublished({ val: [52, 36, 64], test: [49.17, 32.09, 59.69] }),
} as const satisfies Benchmark;
