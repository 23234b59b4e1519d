/**
 * Was done what the question asks for? Ours, not from a publication. What is asked is read from the row (asked.ts): which
 * pictures the boxes are to be in, how many there are to be, and in which form the answer is to be. The mean of what is
 * asked and kept; null where nothing is asked that can be read. docs/rewards.md has examples.
 */
import { askedOf, type Asked } from './asked.ts';
import { defineReward, type Completion } from './reward.ts';
import { saysNothing } from './right.ts';

type Answer = Completion['answer'];

/** Around the word of a choice. */
export const CHOICE_MARKS = /^[(["']+|[)\].,"']+$/g;

/** Each 0–1, in the order of `Asked`; null: not asked. */
const KEPT: { readonly [K in keyof Asked]: (asked: NonNullable<Asked[K]>, answer: Answer) => number } = {
  pictures: (pictures, { boxes }) =>
    boxes.length === 0
      ? 0
      : boxes.filter(({ image }) => image !== null && pictures.includes(image)).length / boxes.length,
  count: (count, { boxes }) => Number(boxes.length === count),
  form: (form, { answer, boxes, formatOk }) => {
    if (form.kind === 'boxes') return Number(formatOk);
    if (form.kind === 'nothing') return Number(saysNothing({ boxes, answer }));
    const plain = answer.trim().replace(CHOICE_MARKS, '').trim();
    return Number(form.choices.some((choice) => choice.toLowerCase() === plain.toLowerCase()));
  },
};

/** How far an answer does what is asked, part by part. */
export function keptOf(asked: Asked, answer: Answer): readonly number[] {
  return (Object.keys(KEPT) as (keyof Asked)[]).flatMap((part) => {
    const wanted = asked[part];
    return wanted === null ? [] : [(KEPT[part] as (wanted: unknown, answer: Answer) => number)(wanted, answer)];
  });
}

export const instruction = defineReward({
  name: 'instruction',
  label: 'As instructed',
  summary: 'Share kept of what the question asks for: which images, how many boxes, which form of answer.',
  subject: 'form',
  asks: 'form',
  range: [0, 1],
  weight: 0,
  score: ({ answer }, row) => {
    const kept = keptOf(askedOf(row), answer);
    return kept.length === 0 ? null : kept.reduce((a, b) => a + b, 0) / kept.length;
  },
});
