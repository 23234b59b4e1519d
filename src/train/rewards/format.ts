/**
 * Is the answer written as asked? What counts as the form is grounding/parse's, in linear time: each tag exactly once
 * and nothing around them. That is stricter than the field's regular expressions, which accept repeated tags and boxes
 * in the thinking part and are gamed for it (VLM-R1, UniVG-R1, Perception-R1).
 */
import { defineReward } from './reward.ts';

export const format = defineReward({
  name: 'format',
  label: 'Format',
  summary:
    '1 for exactly <think>…</think><answer>…</answer> with a readable box in the answer, else 0. Where the prompt asks for the answer alone: for exactly <answer>…</answer>.',
  subject: 'form',
  asks: 'form',
  range: [0, 1],
  weight: 1,
  always: true,
  score: ({ answer }, { solution }) => Number(answer.tagsOk && (solution.length === 0 || answer.boxes.length > 0)),
});
