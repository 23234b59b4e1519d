import { expect, test } from 'vitest';
import { readChoice } from '../../src/grounding/choice.ts';

test.each([
  ['B', 'B'],
  ['(b)', 'B'],
  ['B.', 'B'],
  ['(C) the third', 'C'],
  ['B: a cat', 'B'],
  ['The picture shows it. (D)', 'D'],
  ['The answer is C.', 'C'],
  ['Answer: (a)', 'A'],
  ['<think>(A) is wrong</think><answer>B</answer>', 'B'],
  ['An apple', null],
  ['A cat is in B', null],
  ['(A) or (B)?', null],
  ['The answer is A, no, the answer is B', null],
  ['Either (A) or (B).', null],
  ['E', null],
  ['', null],
])('"%s" of four choices means %s', (text, letter) => {
  expect(readChoice(text, 4)).toBe(letter);
});
