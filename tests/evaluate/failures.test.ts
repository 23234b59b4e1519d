import { expect, test } from 'vitest';
import type { Row } from '../../src/data/row.ts';
import { scoreRow } from '../../src/evaluate/benchmark-scores.ts';
import { failuresByTask, outcomeOf } from '../../src/evaluate/failures.ts';
import { readForeign } from '../../src/evaluate/foreign.ts';
import { box01 } from '../../src/grounding/box.ts';

const sizes = [
  { width: 200, height: 100 },
  { width: 200, height: 100 },
];
const row = (part: Partial<Row> = {}): Row => ({
  id: 'r',
  task: 't',
  split: 'heldout',
  images: ['a', 'b'],
  prompt: [],
  answer: [],
  solution: [{ image: 1, box: box01(0.1, 0.1, 0.5, 0.5) }],
  source: { file: 'f', line: 1 },
  ...part,
});
const scored = (text: string, part: Partial<Row> = {}) => {
  const one = row(part);
  return scoreRow(one, readForeign(one.id, text, sizes, 'thousandths'));
};
const absent = {
  solution: [],
  benchmark: { benchmark: 'groundingMe', prompt: '', boxes: [], space: 'natural' },
} as const;
const choice = {
  solution: [],
  benchmark: { benchmark: 'blink', prompt: '', boxes: [], space: 'natural', choice: { letter: 'B', options: 3 } },
} as const;

test.each([
  ['Image-2: (100,100),(500,500)', {}, 'right'],
  ['Image-1: (100,100),(500,500)', {}, 'wrong-picture'],
  ['Image-2: (800,800),(900,900) Image-2: (100,100),(500,500)', {}, 'too-many'],
  ['Image-2: (100,100),(310,500)', {}, 'right'],
  ['Image-2: (100,100),(280,500)', {}, 'loose'],
  ['Image-2: (100,100),(150,150)', {}, 'missed'],
  ['It is beside the door.', {}, 'no-box'],
  ['at 100 100 and then 500 500 in the second', {}, 'unreadable'],
  ['none', {}, 'refused'],
  ['Image-1: (100,100),(500,500)', absent, 'hallucinated'],
  ['none', absent, 'right'],
  ['(B)', choice, 'right'],
  ['(A)', choice, 'wrong-choice'],
  ['(A) or (B)', choice, 'unreadable'],
] as const)('“%s” is one kind of outcome', (text, part, kind) => {
  expect(outcomeOf(scored(text, part))).toBe(kind);
});

test('kinds stand by task, each cell with its rows; answers in no declared space are left out', () => {
  const unread = row({ id: 'x' });
  const table = failuresByTask([
    scored('Image-2: (100,100),(500,500)', { id: 'a' }),
    scored('none', { id: 'b' }),
    scored('none', { id: 'c', task: 'other' }),
    scoreRow(unread, readForeign('x', '(100,100),(500,500)', sizes)),
  ]);
  expect(table).toEqual({
    kinds: ['right', 'refused'],
    tasks: [
      { task: 't', n: 2, rows: { right: ['a'], refused: ['b'] } },
      { task: 'other', n: 1, rows: { refused: ['c'] } },
    ],
  });
});
