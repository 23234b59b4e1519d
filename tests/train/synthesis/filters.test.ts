import { describe, expect, it } from 'vitest';
import type { Row } from '../../../src/data/row.ts';
import { box01 } from '../../../src/grounding/box.ts';
import type { ReadAnswer } from '../../../src/train/read-answer.ts';
import { FILTER_NAMES, faultsOf, type Candidate, type FilterName } from '../../../src/train/synthesis/filters.ts';
import { sift, withHint } from '../../../src/train/synthesis/synthesise.ts';

const truth = { image: 1, box: box01(0.12, 0.2, 0.48, 0.64) };
const row: Row = {
  id: 'r',
  task: '',
  split: 'train',
  images: ['a.png', 'b.png'],
  prompt: [{ role: 'user', content: [{ type: 'text', text: 'Which picture has a red disc?' }] }],
  answer: [],
  solution: [truth],
  source: { file: 'f', line: 1 },
};
const size = { width: 640, height: 480 };
const of = { row, natural: [size, size], sizes: [size, size] };
const settings = { iouThreshold: 0.5, minThoughtWords: 4, maxThoughtWords: 30 };

const answer = (think: string | null, more: Partial<ReadAnswer> = {}): ReadAnswer => ({
  think,
  answer: '',
  boxes: [truth],
  thoughtBoxes: [],
  formatOk: true,
  tagsOk: true,
  parsed: true,
  ...more,
});
const candidate = (
  think: string | null,
  more: Partial<ReadAnswer> = {},
  hinted = false,
  truncated = false,
): Candidate => ({
  answer: answer(think, more),
  hinted,
  truncated,
});
const good = 'Only the second picture shows a red disc in its upper left.';
const faults = (one: Candidate, under = of) => faultsOf(one, under, settings);

describe('thoughts that are fit to be learned', () => {
  it('have none of the faults', () => {
    expect(faults(candidate(good))).toEqual([]);
    expect(faults(candidate(good, {}, true))).toEqual([]);
  });

  const elsewhere = { image: 0, box: truth.box };
  const cases: readonly (readonly [FilterName, Candidate])[] = [
    ['unfinished', candidate(good, {}, false, true)],
    ['form', candidate(good, { formatOk: false })],
    ['wrong', candidate(good, { boxes: [elsewhere] })],
    ['length', candidate('Second picture.')],
    ['length', candidate(Array.from({ length: 40 }, (_, i) => `word${i}`).join(' '))],
    ['repetition', candidate('it is red and it is red and it is red and it is red and it is red')],
    ['language', candidate('Красный круг виден только на второй картинке.')],
    ['language', candidate('赤い円は二枚目の写真の左上にあります だから 二枚目')],
    ['refusal', candidate('I’m sorry, I cannot see the pictures that you sent.')],
    ['disagreement', candidate(good, { thoughtBoxes: [{ image: 1, box: box01(0.7, 0.7, 0.9, 0.9) }] })],
    ['space', { ...candidate(good, { thoughtBoxes: [truth] }), foreign: true }],
    ['leak', candidate('The hint says that it is the second one.', {}, true)],
    ['leak', candidate('As the correct answer is on the right, I take it.', {}, true)],
  ];
  it.each(cases)('have no %s', (name, one) => {
    expect(faults(one)).toContain(name);
  });

  it('every filter drops something here', () => {
    expect([...new Set(cases.map(([name]) => name))].sort()).toEqual([...FILTER_NAMES].sort());
  });

  it.each([
    ['thousandths', 'The disc begins at 120 from the left edge.', true],
    ['thousandths, two off', 'The disc begins at 122 from the left edge.', true],
    ['thousandths, three off', 'The disc begins at 124 from the left edge.', false],
    ['pixels', 'The disc ends at 307 pixels from the left.', true],
    ['a fraction', 'The disc ends at 0.481 of the width there.', true],
    ['another fraction', 'The disc ends at 0.55 of the width there.', false],
    ['the number of a picture', 'Among all of them Image-120 has the red disc.', false],
  ])('a hinted thought that names %s', (_, text, leaks) => {
    expect(faults(candidate(text, {}, true)).includes('leak')).toBe(leaks);
    expect(faults(candidate(text))).not.toContain('leak');
  });

  it('may be in the question’s own script, whichever it is', () => {
    const russian: Row = { ...row, prompt: [{ role: 'user', content: [{ type: 'text', text: 'Где красный круг?' }] }] };
    const text = 'Красный круг виден только на второй картинке.';
    expect(faults(candidate(text), { ...of, row: russian })).toEqual([]);
  });

  it('are told apart by words, and the first of equal ones stays', () => {
    const equal = candidate(good.toUpperCase().replace('.', '!'));
    expect(
      sift([candidate(good), equal, candidate('Short.'), candidate(`${good} I am sure.`)], row, of, settings),
    ).toEqual([[], ['duplicate'], ['length'], []]);
  });
});

describe('a hint', () => {
  it('names every true box after the last question, and leaves the row itself alone', () => {
    const before = JSON.stringify(row);
    const content = withHint(row).prompt[0]!.content;
    expect(content.filter(({ type }) => type === 'box')).toEqual([{ type: 'box', box: truth }]);
    expect(JSON.stringify(content)).toContain('Image-2');
    expect(JSON.stringify(row)).toBe(before);
  });
});
