/**
 * Is the answer written as asked? 1 or 0. What counts as the form is grounding/parse's, in linear time: each tag
 * exactly once and nothing around them. That is stricter than the field's regular expressions, which accept repeated
 * tags and boxes in the thinking part and are gamed for it (VLM-R1, UniVG-R1, Perception-R1).
 */
import type { Reward } from './reward.ts';

export const format: Reward = {
  name: 'format',
  summary: '1 for exactly <think>…</think><answer>…</answer> with a readable box in the answer, else 0.',
  range: [0, 1],
  score: ({ answer }, { solution }) => Number(answer.tagsOk && (solution.length === 0 || answer.boxes.length > 0)),
};

/** Besides the tags: the model's own way to write boxes, and nothing but boxes in the answer. null for other rows. */
export const strictFormat: Reward = {
  name: 'strictFormat',
  summary: '1 when, besides the tags, the boxes are written exactly in the model’s convention, inside their images.',
  range: [0, 1],
  score: ({ answer }, { solution }) => (solution.length === 0 ? null : Number(answer.formatOk)),
};
