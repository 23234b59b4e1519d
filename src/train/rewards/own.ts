/** A reward of one's own. Its rule is code of the recipe (own-code.ts); without any it applies to no row. */
import { defineReward } from './reward.ts';

export const own = defineReward({
  name: 'own',
  label: 'Your own',
  summary: 'what the code below gives: function reward(completion, row), a number or null.',
  subject: 'thought',
  range: [-Infinity, Infinity],
  weight: 0,
  score: () => null,
});
