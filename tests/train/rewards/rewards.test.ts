import fc from 'fast-check';
import { expect, test } from 'vitest';
import { box01, type GroundedBox } from '../../../src/grounding/box.ts';
import { CONVENTIONS } from '../../../src/grounding/convention.ts';
import { parseAnswer } from '../../../src/grounding/parse.ts';
import {
  type Completion,
  defaultRewards,
  REWARD_NAMES,
  rewardFaults,
  REWARDS,
  type RewardName,
  type ScoredRow,
  scoreCompletion,
  succeeds,
  weightedRewards,
} from '../../../src/train/rewards/index.ts';

const at = (image: number, x1: number, y1: number, x2: number, y2: number): GroundedBox => ({
  image,
  box: box01(x1, y1, x2, y2),
});
const sizes = [
  { width: 1000, height: 1000 },
  { width: 500, height: 500 },
];
const row = (...solution: GroundedBox[]) => ({ solution, images: ['a.png', 'b.png'] });
const read = (text: string): Completion => ({
  answer: parseAnswer(text, { convention: CONVENTIONS.qwen3_vl, sizes }),
  tokens: text.length,
});
const given = (...boxes: { image: number | null; box: GroundedBox['box'] }[]): Completion => ({
  answer: { boxes, tagsOk: true, formatOk: true },
  tokens: 10,
});

const LIMITS = { maxCompletionLength: 100 };
/** What a reward gives when it alone has a weight. */
const scored = (name: RewardName, completion: Completion, scoredRow: ScoredRow, settings = {}) =>
  weightedRewards({ rewardWeights: { [name]: 1 }, rewardSettings: { [name]: settings } }, LIMITS)
    .find((reward) => reward.name === name)!
    .score(completion, scoredRow);

const GOOD = '<think>It is red.</think>\n<answer>{"image": 2, "bbox_2d": [100, 100, 300, 300]}</answer>';
const TRUTH = row(at(1, 0.1, 0.1, 0.3, 0.3));

test('a well-formed answer earns every reward', () => {
  const completion = read(GOOD);
  expect(scored('format', completion, TRUTH)).toBe(1);
  expect(scored('strictFormat', completion, TRUTH)).toBe(1);
  expect(scored('iou', completion, TRUTH)).toBeCloseTo(1, 12);
  expect(scored('imageIndex', completion, TRUTH)).toBe(1);
  expect(succeeds(completion.answer, TRUTH, 0.5)).toBe(true);
});

test.each([
  ['no tags', '{"image": 2, "bbox_2d": [100, 100, 300, 300]}'],
  ['words after the answer', `${GOOD} Done.`],
  ['words before the thinking', `Sure! ${GOOD}`],
  ['two answers', `${GOOD}<answer>x</answer>`],
  ['thinking twice', `<think>a</think>${GOOD}`],
  ['an answer that was cut', GOOD.slice(0, -9)],
  ['no box in the answer', '<think>It is at [100, 100, 300, 300].</think><answer>in image 2</answer>'],
])('%s earns no format reward', (_, text) => {
  expect(scored('format', read(text), TRUTH)).toBe(0);
});

test('a box in the thinking part never counts', () => {
  const completion = read(
    '<think>{"image": 2, "bbox_2d": [100, 100, 300, 300]}</think><answer>{"image": 1, "bbox_2d": [1, 2, 3, 4]}</answer>',
  );
  expect(scored('iou', completion, TRUTH)).toBe(0);
});

test('rows that are not grounding need the tags only, and no box reward applies', () => {
  const completion = read('<think>a</think><answer>yes</answer>');
  expect(scored('format', completion, row())).toBe(1);
  for (const name of ['iou', 'giou', 'centre', 'imageIndex', 'strictFormat'] as const)
    expect(scored(name, completion, row())).toBeNull();
  expect(succeeds(completion.answer, row(), 0)).toBe(false);
});

test('the right box in the wrong image, or in no said image, is worth nothing', () => {
  for (const image of [0, null])
    for (const name of ['iou', 'giou', 'centre', 'imageIndex'] as const)
      expect(scored(name, given({ image, box: TRUTH.solution[0]!.box }), TRUTH)).toBe(0);
});

test('a solution whose image the dataset does not say is compared by place alone', () => {
  const guessed = row({ ...at(0, 0.1, 0.1, 0.3, 0.3), imageGuessed: true });
  expect(scored('iou', read(GOOD), guessed)).toBeCloseTo(1, 12);
  expect(scored('giou', read(GOOD), guessed)).toBeCloseTo(1, 12);
  expect(scored('imageIndex', read(GOOD), guessed)).toBeNull();
  expect(succeeds(read(GOOD).answer, guessed, 0.5)).toBe(true);
});

test('several boxes: matched IoU over max(wanted, given), so guessing many does not pay', () => {
  const [a, b] = [at(0, 0, 0, 0.2, 0.2), at(1, 0.5, 0.5, 1, 1)];
  expect(scored('iou', given(b, a), row(a, b))).toBeCloseTo(1, 12);
  expect(scored('iou', given(a), row(a, b))).toBeCloseTo(0.5, 12);
  expect(scored('iou', given(a, a, a, b), row(a, b))).toBeCloseTo(0.5, 12);
  expect(scored('imageIndex', given(a, a), row(a, b))).toBe(0.5);
  expect(scored('imageIndex', given(), row(a, b))).toBe(0);
});

test('pairs are chosen for the best sum, not greedily', () => {
  // The first prediction fits both; greedy would give it to the first solution and leave the second pair at 0.
  const wanted = row(at(0, 0, 0, 0.4, 1), at(0, 0.3, 0, 0.7, 1));
  const predicted = given(at(0, 0.1, 0, 0.5, 1), at(0, 0, 0, 0.3, 1));
  const greedy = 0.3 / 0.5 / 2;
  expect(scored('iou', predicted, wanted)!).toBeGreaterThan(greedy);
});

test('success wants exactly the wanted boxes, each above the threshold', () => {
  const [a, b] = [at(0, 0, 0, 0.2, 0.2), at(0, 0.1, 0, 0.3, 0.2)];
  expect(succeeds({ boxes: [b, a] }, row(a, b), 1)).toBe(true);
  expect(succeeds({ boxes: [a] }, row(a, b), 0.1)).toBe(false);
  expect(succeeds({ boxes: [a, b, b] }, row(a, b), 0.1)).toBe(false);
  expect(succeeds({ boxes: [at(0, 0, 0, 0.2, 0.1)] }, row(a), 0.5)).toBe(true);
  expect(succeeds({ boxes: [at(0, 0, 0, 0.2, 0.099)] }, row(a), 0.5)).toBe(false);
});

test('one matching above the threshold is found even if another has the larger sum', () => {
  // Sum prefers (0→0: 1, 1→1: 0.4); success at 0.5 needs (0→1, 1→0).
  const wanted = row(at(0, 0, 0, 0.6, 1), at(0, 0.1, 0, 0.9, 1));
  const boxes = [at(0, 0, 0, 0.6, 1), at(0, 0, 0, 0.4, 1)];
  expect(succeeds({ boxes }, wanted, 0.5)).toBe(true);
});

test('GIoU still tells near from far', () => {
  const score = (x: number) => scored('giou', given(at(1, x, 0.1, x + 0.1, 0.3)), TRUTH)!;
  expect(score(0.4)).toBeGreaterThan(score(0.8));
  expect(score(0.8)).toBeGreaterThan(0);
  expect(scored('giou', given(at(1, 0.3, 0.3, 0.1, 0.1)), TRUTH)).toBe(0);
});

test('the centre reward looks at the centre only', () => {
  expect(scored('centre', given(at(1, 0, 0, 0.4, 0.4)), TRUTH)).toBe(1);
  expect(scored('centre', given(at(1, 0.3, 0.3, 0.5, 0.5)), TRUTH)).toBe(0);
});

test('the length limit is 0, then falls, then −1', () => {
  const of = (tokens: number) => scored('softOverlong', { ...given(), tokens }, TRUTH, { cacheTokens: 20 });
  expect([of(80), of(90), of(100), of(101)]).toEqual([0, -0.5, -1, -1]);
  // Without a setting of its own it has the default.
  expect(scored('softOverlong', { ...given(), tokens: 84 }, TRUTH)).toBe(-0.5);
});

test('a length limit that sets in before the first token is told in the plan, and refused in a run', () => {
  const choice = {
    rewardWeights: { iou: 1, softOverlong: 0.5 },
    rewardSettings: { softOverlong: { cacheTokens: 101 } },
  };
  expect(rewardFaults(choice, LIMITS)).toEqual([expect.stringContaining('101 tokens')]);
  expect(() => weightedRewards(choice, LIMITS)).toThrow(expect.objectContaining({ code: 'reward-settings' }));
  // At weight 0 nobody asks it.
  const off = { ...choice, rewardWeights: { iou: 1, softOverlong: 0 } };
  expect(rewardFaults(off, LIMITS)).toEqual([]);
  expect(weightedRewards(off, LIMITS).map(({ name }) => name)).toEqual(['format', 'iou', 'imageIndex']);
});

test('the three of old plans are always scored and logged, in their old order; others when they weigh something', () => {
  const names = (rewardWeights: object) => weightedRewards({ rewardWeights }, LIMITS).map(({ name }) => name);
  expect(names({ format: 0.5, iou: 2, imageIndex: 0 })).toEqual(['format', 'iou', 'imageIndex']);
  expect(names({})).toEqual(['format', 'iou', 'imageIndex']);
  expect(names({ giou: 1, softOverlong: 1 })).toEqual(['format', 'iou', 'giou', 'imageIndex', 'softOverlong']);
});

test('a recipe’s rewards are summed by weight; a missing weight is 0', () => {
  const rewards = weightedRewards({ rewardWeights: { format: 0.5, iou: 2 } }, LIMITS);
  const score = scoreCompletion(read(GOOD), TRUTH, rewards);
  expect(score.reward).toBeCloseTo(2.5, 12);
  expect(score.rewards['imageIndex']).toBe(1);
  expect(scoreCompletion(given(), row(), rewards.slice(1)).reward).toBeNull();
});

test('a new stage weighs format and overlap, and writes every weight and setting out', () => {
  const { rewardWeights, rewardSettings } = defaultRewards();
  expect(Object.keys(rewardWeights)).toEqual(REWARD_NAMES);
  expect(Object.entries(rewardWeights).filter(([, weight]) => weight !== 0)).toEqual([
    ['format', 1],
    ['iou', 1],
  ]);
  expect(rewardSettings).toEqual({ softOverlong: { cacheTokens: 32 } });
  expect(rewardFaults(defaultRewards(), LIMITS)).toEqual([]);
});

test('any reward alone can teach, and none at all cannot', () => {
  for (const name of REWARD_NAMES) expect(rewardFaults({ rewardWeights: { [name]: 1 } }, LIMITS), name).toEqual([]);
  expect(rewardFaults({ rewardWeights: {} }, LIMITS)).toEqual([expect.stringContaining('All reward weights are 0')]);
});

test('every reward stays in its range, whatever boxes are given', () => {
  const number = fc.oneof(fc.double({ min: -0.5, max: 1.5, noNaN: true }), fc.constantFrom(0, 0.5, 1, NaN, Infinity));
  const box = fc.record({ image: fc.nat(1), box: fc.tuple(number, number, number, number).map((q) => box01(...q)) });
  const truth = fc
    .tuple(fc.nat(1), fc.nat(8), fc.nat(8))
    .map(([image, x, y]) => at(image, x / 10, y / 10, x / 10 + 0.2, y / 10 + 0.2));
  fc.assert(
    fc.property(fc.array(box, { maxLength: 6 }), fc.array(truth, { minLength: 1, maxLength: 4 }), (boxes, solution) => {
      for (const name of REWARD_NAMES) {
        const { range } = REWARDS[name];
        const value = scored(name, given(...boxes), row(...solution));
        expect(value).toBeGreaterThanOrEqual(range[0]);
        expect(value).toBeLessThanOrEqual(range[1] + 1e-12);
      }
    }),
  );
});
