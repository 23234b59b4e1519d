import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { box01, type GroundedBox } from '../../../src/grounding/box.ts';
import { CONVENTIONS } from '../../../src/grounding/convention.ts';
import { isAbsent, wantedOf } from '../../../src/data/wanted.ts';
import { refuses } from '../../../src/grounding/absence.ts';
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
import { answerMetrics } from '../../../src/train/answer-metrics.ts';
import { askedOf } from '../../../src/train/rewards/asked.ts';

const at = (image: number, x1: number, y1: number, x2: number, y2: number): GroundedBox => ({
  image,
  box: box01(x1, y1, x2, y2),
});
const sizes = [
  { width: 1000, height: 1000 },
  { width: 500, height: 500 },
];
const answering = (answer: string, question: string, ...solution: GroundedBox[]) => {
  const asked = {
    solution,
    images: ['a.png', 'b.png'],
    prompt: [{ role: 'user' as const, content: [{ type: 'text' as const, text: question }] }],
    answer: answer === '' ? [] : [{ type: 'text' as const, text: answer }],
    ...(answer === '' && solution.length === 0 && { nothing: true as const }),
  };
  return { ...asked, wanted: wantedOf(asked) };
};
const asking = (question: string, ...solution: GroundedBox[]) =>
  answering(solution.length > 0 ? ' ' : 'a cup', question, ...solution);
const row = (...solution: GroundedBox[]) => asking('Where is it?', ...solution);
/** A row whose right answer is that nothing is there. */
const absent = answering('None.', 'Where is it?');
const read = (text: string): Completion => {
  const context = { convention: CONVENTIONS.qwen3_vl, sizes };
  const answer = parseAnswer(text, context);
  const thoughtBoxes = answer.think === null ? [] : parseAnswer(answer.think, { ...context, mode: 'tolerant' }).boxes;
  return { answer: { ...answer, thoughtBoxes }, tokens: text.length, tokenIds: new Uint32Array(text.length) };
};
const given = (...boxes: { image: number | null; box: GroundedBox['box'] }[]): Completion => ({
  answer: { boxes, tagsOk: true, formatOk: true, answer: '', thoughtBoxes: [] },
  tokens: 10,
  tokenIds: Uint32Array.from({ length: 10 }, (_, i) => i),
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
  expect(succeeds({ boxes: [b, a], answer: '' }, row(a, b), 1)).toBe(true);
  expect(succeeds({ boxes: [a], answer: '' }, row(a, b), 0.1)).toBe(false);
  expect(succeeds({ boxes: [a, b, b], answer: '' }, row(a, b), 0.1)).toBe(false);
  expect(succeeds({ boxes: [at(0, 0, 0, 0.2, 0.1)], answer: '' }, row(a), 0.5)).toBe(true);
  expect(succeeds({ boxes: [at(0, 0, 0, 0.2, 0.099)], answer: '' }, row(a), 0.5)).toBe(false);
});

test('one matching above the threshold is found even if another has the larger sum', () => {
  // Sum prefers (0→0: 1, 1→1: 0.4); success at 0.5 needs (0→1, 1→0).
  const wanted = row(at(0, 0, 0, 0.6, 1), at(0, 0.1, 0, 0.9, 1));
  const boxes = [at(0, 0, 0, 0.6, 1), at(0, 0, 0, 0.4, 1)];
  expect(succeeds({ boxes, answer: '' }, wanted, 0.5)).toBe(true);
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

test('a new stage weighs format, overlap and the right option, and writes every weight and setting out', () => {
  const { rewardWeights, rewardSettings } = defaultRewards();
  expect(Object.keys(rewardWeights)).toEqual(REWARD_NAMES);
  expect(Object.entries(rewardWeights).filter(([, weight]) => weight !== 0)).toEqual([
    ['format', 1],
    ['iou', 1],
    ['choice', 1],
  ]);
  expect(rewardSettings).toMatchObject({ softOverlong: { cacheTokens: 32 }, repetition: { ngramSize: 3 } });
  expect(rewardFaults(defaultRewards(), LIMITS)).toEqual([]);
});

test('any reward alone can teach, and none at all cannot', () => {
  for (const name of REWARD_NAMES)
    expect(rewardFaults({ rewardWeights: { [name]: 1 }, rewardCode: 'function reward() {}' }, LIMITS), name).toEqual(
      [],
    );
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
        const completion = given(...boxes);
        const thought = { ...completion.answer, thoughtBoxes: boxes };
        const value = scored(name, { ...completion, answer: thought }, row(...solution));
        // A thought without a box, or a question that asks for nothing: the rule does not apply.
        if (value === null) continue;
        expect(value).toBeGreaterThanOrEqual(range[0]);
        expect(value).toBeLessThanOrEqual(range[1] + 1e-12);
      }
    }),
  );
});

test('the number of boxes is right, or off by as much as it is off', () => {
  const [a, b] = [at(0, 0, 0, 0.2, 0.2), at(1, 0.5, 0.5, 1, 1)];
  expect(scored('count', given(a, b), row(a, b))).toBe(1);
  expect(scored('count', given(a), row(a, b))).toBe(0.5);
  expect(scored('count', given(a, a, a, b), row(a, b))).toBe(0.5);
  expect(scored('count', given(), row(a))).toBe(0);
});

test('“nothing” pays where nothing is there, costs where something is, and does not apply to other rows', () => {
  const nothing = read('<think>I see none.</think><answer>None.</answer>');
  expect(scored('refusal', nothing, absent)).toBe(1);
  expect(scored('refusal', read(GOOD), absent)).toBe(0);
  expect(scored('refusal', nothing, TRUTH)).toBe(-1);
  expect(scored('refusal', read(GOOD), TRUTH)).toBe(0);
  expect(scored('refusal', nothing, row())).toBeNull();
  // Refusing all of the time is worth less than finding what is there.
  expect(scored('refusal', nothing, absent)! + scored('refusal', nothing, TRUTH)!).toBe(0);
});

test.each([
  'None',
  'nothing',
  '[]',
  'There is no such cup.',
  'The red cup is not present.',
  'Not found',
  '没有',
  '{"bbox_2d": null}',
  '```json\n[{"bbox_2d": [], "label": "cup"}]\n```',
])('%j says that nothing is there', (answer) => expect(refuses(answer)).toBe(true));
test.each([
  '',
  'no',
  'a cup',
  'There is no cup in image 1, but one in image 2: it stands left of the plate.',
  '[1, 2]',
  '{"bbox_2d": [1, 2, 3, 4]}',
  '[{"bbox_2d": null}, {"bbox_2d": [1, 2, 3, 4]}]',
])('%j does not', (answer) => expect(refuses(answer)).toBe(false));
test('a very long answer is read in no time, and is no refusal', () => {
  expect(refuses(`the ${'very '.repeat(50_000)}cup is not present`)).toBe(false);
});
test('a row is one without a target only where its answer says so', () => {
  expect([isAbsent(absent), isAbsent(row()), isAbsent({ ...TRUTH, answer: absent.answer })]).toEqual([
    true,
    false,
    false,
  ]);
});

test('a row whose answer is left empty because nothing is there earns for saying so, and is learned from', () => {
  const empty = answering('', 'Where is it?');
  const [nothing, found] = [read('<think>None of them.</think><answer>[]</answer>'), read(GOOD)];
  for (const name of ['iou', 'giou', 'centre', 'count', 'refusal'] as const)
    expect([scored(name, nothing, empty), scored(name, found, empty)]).toEqual([1, 0]);
  expect(succeeds(nothing.answer, empty, 0.5)).toBe(true);
  expect(succeeds(found.answer, empty, 0.5)).toBe(false);
  // No box that can be read is not the same as saying so.
  expect(scored('iou', read('<think>a</think><answer>over there</answer>'), empty)).toBe(0);
  const rules = weightedRewards(defaultRewards(), LIMITS);
  const [right, wrong] = [nothing, found].map((completion) => scoreCompletion(completion, empty, rules).reward!);
  expect(right).toBeGreaterThan(wrong!);
});

test('a set of boxes over several pictures is matched as one, each in its picture', () => {
  const [a, b] = [at(0, 0, 0, 0.2, 0.2), at(1, 0.5, 0.5, 1, 1)];
  expect(scored('iou', given(b, a), row(a, b))).toBeCloseTo(1, 12);
  expect(scored('iou', given({ ...a, image: 1 }, b), row(a, b))).toBeCloseTo(0.5, 12);
  expect(succeeds(given({ ...a, image: 1 }, b).answer, row(a, b), 0.5)).toBe(false);
  expect(scored('imageIndex', given({ ...a, image: 1 }, b), row(a, b))).toBe(0.5);
});

test('the right letter earns where letters are offered, and nowhere else', () => {
  const choice = answering('B', 'Which image shows a dog? A. Image-1 B. Image-2');
  expect(scored('choice', read('<think>a</think><answer>(B)</answer>'), choice)).toBe(1);
  expect(scored('choice', read('<think>a</think><answer>A. Image-1</answer>'), choice)).toBe(0);
  expect(scored('choice', read(GOOD), choice)).toBe(0);
  expect(scored('choice', read(GOOD), TRUTH)).toBeNull();
  expect(scored('iou', read(GOOD), choice)).toBeNull();
  expect(succeeds(read('<answer>B</answer>').answer, choice, 0.5)).toBe(true);
});

test.each([
  ['B', 'Which? A. cat B. dog', { kind: 'choice', letter: 'B', choices: 2 }],
  ['(B) dog', 'Which?\nA. cat\nB. dog', { kind: 'choice', letter: 'B', choices: 2 }],
  ['C', 'Which? A. cat B. dog', null],
  ['A dog', 'What is it? A. a cat B. a dog', null],
  ['Barn owl', 'Which? A. cat B. dog', null],
  ['[]', 'Find the dog.', { kind: 'nothing' }],
])('the answer %j to %j', (answer, question, wanted) => {
  expect(answering(answer, question).wanted).toEqual(wanted);
});

test('a thought agrees when the box it ends with is the answer’s', () => {
  const think = (box: string) =>
    read(
      `<think>Not [0, 0, 9, 9], but {"image": 2, "bbox_2d": ${box}}.</think><answer>{"image": 2, "bbox_2d": [100, 100, 300, 300]}</answer>`,
    );
  expect(scored('agreement', think('[100, 100, 300, 300]'), TRUTH)).toBeCloseTo(1, 12);
  expect(scored('agreement', think('[100, 100, 200, 300]'), TRUTH)).toBeCloseTo(0.5, 12);
  expect(scored('agreement', think('[500, 500, 600, 600]'), TRUTH)).toBe(0);
  expect(scored('agreement', read(GOOD), TRUTH)).toBeNull();
  const elsewhere = read(
    '<think>{"image": 1, "bbox_2d": [100, 100, 300, 300]}</think><answer>{"image": 2, "bbox_2d": [100, 100, 300, 300]}</answer>',
  );
  expect(scored('agreement', elsewhere, TRUTH)).toBe(0);
});

test('right answers are worth more when short, wrong ones less: TRL’s cosine', () => {
  const of = (tokens: number, right: boolean) =>
    scored('cosineLength', { ...(right ? given(TRUTH.solution[0]!) : given()), tokens }, TRUTH)!;
  // get_cosine_scaled_reward(max_len=100) at 0, 25, 100 and 150 tokens.
  [1, 0.926776695, 0.5, 0.5].forEach((v, i) => expect(of([0, 25, 100, 150][i]!, true)).toBeCloseTo(v, 8));
  [-1, -0.926776695, -0.5, -0.5].forEach((v, i) => expect(of([0, 25, 100, 150][i]!, false)).toBeCloseTo(v, 8));
  expect(scored('cosineLength', given(), row())).toBeNull();
});

test('repeated stretches of tokens cost, as TRL counts them', () => {
  const of = (ids: number[], settings = {}) =>
    scored('repetition', { ...given(), tokenIds: Uint32Array.from(ids) }, TRUTH, settings);
  // get_repetition_penalty_reward(ngram_size=2)
  expect(of([1, 2, 3, 4], { ngramSize: 2 })).toBe(0);
  expect(of([5, 5, 5, 5, 5], { ngramSize: 2 })).toBe(-0.75);
  expect(of([5, 5], { ngramSize: 3 })).toBe(0);
  expect(of([1, 2, 1, 2, 1, 2], { ngramSize: 2, maxPenalty: -2 })).toBeCloseTo(-2 * (1 - 2 / 5), 12);
});

describe('what a question asks for', () => {
  const [here, there] = [at(0, 0, 0, 0.2, 0.2), at(1, 0.5, 0.5, 1, 1)];
  test.each([
    { asks: 'Find the dog in Image-2.', of: [there], pictures: [1], count: 1 },
    { asks: 'Find in image 2 what image 1 shows.', of: [there], pictures: null, count: 1 },
    { asks: 'Where is the cup of the first image in the second image?', of: [there], pictures: null, count: 1 },
    { asks: 'Box both cups.', of: [here, there], pictures: null, count: 2 },
    { asks: 'Box all cups.', of: [here, there], pictures: null, count: 2 },
    { asks: 'Box the three-legged stools.', of: [here, there], pictures: null, count: null },
    { asks: 'Find the cup in image 9.', of: [there], pictures: null, count: 1 },
  ])('$asks', ({ asks, of, pictures, count }) => {
    expect(askedOf(asking(asks, ...of))).toEqual({ pictures, count, form: { kind: 'boxes' } });
  });
  test('letters that are offered, yes or no, or nothing', () => {
    expect(askedOf(asking('Which image has a dog?\nA. Image-1\nB. Image-2')).form).toEqual({
      kind: 'choice',
      choices: ['A', 'B'],
    });
    expect(askedOf(asking('Is there a dog? Answer yes or no.')).form).toEqual({
      kind: 'choice',
      choices: ['yes', 'no'],
    });
    expect(askedOf(asking('Describe A. Then stop.')).form).toBeNull();
    expect(askedOf(absent).form).toEqual({ kind: 'nothing' });
  });
  test('is scored by the share that is kept', () => {
    const question = asking('Find the cup in Image-2.', TRUTH.solution[0]!);
    expect(scored('instruction', read(GOOD), question)).toBe(1);
    // One box, in the form that is asked for, in the other picture.
    expect(scored('instruction', read(GOOD.replace('"image": 2', '"image": 1')), question)).toBeCloseTo(2 / 3, 12);
    expect(scored('instruction', read('<think>a</think><answer>there</answer>'), question)).toBe(0);
    const choice = asking('Which image?\nA. Image-1\nB. Image-2');
    expect(scored('instruction', read('<think>a</think><answer>(B)</answer>'), choice)).toBe(1);
    expect(scored('instruction', read('<think>a</think><answer>B or A</answer>'), choice)).toBe(0);
    expect(scored('instruction', read('<think>a</think><answer>It is a cup.</answer>'), row())).toBeNull();
  });
});

test('curves show boxes that grow, thoughts that disagree and answers that refuse', () => {
  const answers = [
    { answer: given(at(1, 0.1, 0.1, 0.5, 0.5)).answer, row: TRUTH },
    { answer: given(at(1, 0.1, 0.1, 0.3, 0.3)).answer, row: TRUTH },
    { answer: read('<think>a</think><answer>None</answer>').answer, row: TRUTH },
    { answer: read('<think>a</think><answer>None</answer>').answer, row: row() },
  ];
  const metrics = answerMetrics(answers);
  // 4 and 1, and their geometric mean.
  expect(metrics['boxes/area_ratio']).toBeCloseTo(2, 12);
  expect(metrics['answers/refused']).toBeCloseTo(1 / 3, 12);
  expect(metrics).not.toHaveProperty('thoughts/agreement');
  expect(answerMetrics([])).toEqual({});
});
