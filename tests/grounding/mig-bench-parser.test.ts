import { expect, test } from 'vitest';
import { migBenchAsPublished } from '../../src/grounding/mig-bench-parser.ts';

test.each<[string, number[] | null]>([
  ['<|box_start|>(316,58),(764,999)<|box_end|>', [0.316, 0.058, 0.764, 0.999]],
  ['(316, 58), (764, 999)', [0.316, 0.058, 0.764, 0.999]],
  ['[0.1, 0.2, 0.3, 0.4]', [0.1, 0.2, 0.3, 0.4]],
  ['(0.1,0.2),(0.3,0.4)', [0.1, 0.2, 0.3, 0.4]],
  ['[100, 200, 300, 400]', [0.1, 0.2, 0.3, 0.4]],
  ['<box>100 200 300 400</box>', [0.1, 0.2, 0.3, 0.4]],
  // A lone 1 is a thousandth, among several boxes it is the whole.
  ['(0,0),(1,1)', [0, 0, 0.001, 0.001]],
  ['(0,0),(1,1) (500,500),(600,600)', [0, 0, 1, 1]],
  // The first pattern wins over the first place: the pair thought of beats the list answered.
  ['[0.5, 0.5, 0.9, 0.9] unlike (3,4),(5,6)', [0.003, 0.004, 0.005, 0.006]],
  ['nothing', null],
])('%s', (text, expected) => {
  expect(migBenchAsPublished(text)).toEqual(expected);
});

test("Migician's own answers are stretched", () => {
  expect(migBenchAsPublished('(100,100),(200,950)', { migician: true })).toEqual([0.1, 0.1 * 1.05, 0.2, 0.999]);
});
