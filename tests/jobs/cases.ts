/** Random completions, rows and pictures of every convention, for holding rewards.py to ours. Same seed, same cases. */
import { Random } from '../../src/base/random.ts';
import type { Row, Segment } from '../../src/data/row.ts';
import { box01, type GroundedBox, type Size } from '../../src/grounding/box.ts';
import { CONVENTIONS, type BoxFamily } from '../../src/grounding/convention.ts';
import { REWARD_NAMES, scoreCompletion, weightedRewards, type RewardChoice } from '../../src/train/rewards/index.ts';
import { readAnswer } from '../../src/train/read-answer.ts';
import { truthOf } from '../../src/jobs/rows.ts';

export const FAMILIES = Object.keys(CONVENTIONS) as BoxFamily[];

/** Every rule that has a counterpart weighs something, so that all are scored and summed. */
export const CHOICE: RewardChoice = {
  rewardWeights: Object.fromEntries(REWARD_NAMES.map((name, k) => [name, name === 'own' ? 0 : 0.5 + k / 8])),
  rewardSettings: { softOverlong: { cacheTokens: 12 }, repetition: { ngramSize: 2, maxPenalty: -0.75 } },
};
export const LIMIT = 40;
/** Cases of each family whose scores by Python are kept (tools/jobs/reward-golden.ts). */
export const [GOLDEN_CASES, GOLDEN_SEED] = [60, 23];

export interface RewardCase {
  readonly text: string;
  readonly ids: readonly number[];
  readonly truth: string;
  readonly rewards: Readonly<Record<string, number | null>>;
  readonly total: number | null;
}

const whole = (random: Random, n: number) => random.below(n);
const pick = <T>(random: Random, values: readonly T[]): T => values[whole(random, values.length)]!;

const WORDS = [
  'the cat',
  'is in',
  'a red cup, ',
  'und',
  '左边',
  'because ',
  '3 of 4 ',
  'it’s "here"',
  '\n',
  '😀',
  '. ',
];
const PLACES = [
  'Image-1: ',
  'image 2: ',
  'In the second image, ',
  'the 1st picture ',
  'in the last photo ',
  '第二张图：',
  '2枚目の画像 ',
  '두 번째 이미지 ',
  'Image B: ',
  'in the first: ',
  'picture #3 ',
  'Image-9: ',
  'img_2 ',
  '图2 ',
];
const REFUSALS = ['None', 'nothing.', '[]', 'There is no such cup', 'not visible', '没有', 'n/a', '"none"', '{}'];
const LETTERS = ['A', '(B)', 'C.', 'The answer is B', 'answer: (A)', '(A) or (B)', 'A cat', 'B) the cup', 'yes', 'No.'];

const numbers = (random: Random, most: number): string[] =>
  Array.from({ length: 4 }, () => {
    const value = random.uniform() * most;
    const way = random.uniform();
    if (way < 0.7) return String(Math.round(value));
    if (way < 0.8) return value.toFixed(2);
    if (way < 0.9) return (value / most).toFixed(3);
    return pick(random, ['-3', '1e2', '12.', '0', '1000', '1200']);
  });

/** A box in one of the field's forms. */
function written(random: Random, most: number): string {
  const [a, b, c, d] = numbers(random, most) as [string, string, string, string];
  const image = 1 + whole(random, 4);
  const digits = () => String(whole(random, 1000));
  return pick(random, [
    () => `{"image": ${image}, "bbox_2d": [${a}, ${b}, ${c}, ${d}]}`,
    () => `[{"bbox_2d": [${a}, ${b}, ${c}, ${d}], "label": "cup"}]`,
    () => `\`\`\`json\n[{"image": ${image}, "bbox_2d": [${a}, ${b}, ${c}, ${d}]}]\n\`\`\``,
    () => `<|box_start|>(${a},${b}),(${c},${d})<|box_end|>`,
    () => `Image-${image}: <|object_ref_start|>cup<|object_ref_end|><|box_start|>(${a},${b}),(${c},${d})<|box_end|>`,
    () => `[${a}, ${b}, ${c}, ${d}]`,
    () => `(${a}, ${b}) to (${c}, ${d})`,
    () => `<box>${a} ${b} ${c} ${d}</box>`,
    () => `x1=${a}, y1=${b}, x2=${c}, y2=${d}`,
    () => `left: ${a} top: ${b} right: ${c} bottom: ${d}`,
    () => `x=${a}, y=${b}, w=${c}, h=${d}`,
    () => `<xmin>${a}</xmin><ymin>${b}</ymin><xmax>${c}</xmax><ymax>${d}</ymax>`,
    () => `{'image_index': ${image}, 'box': (${a}, ${b}, ${c}, ${d})}`,
    () => `{"box_2d": [${a}, ${b}, ${c}, ${d}], "label": "Image-2: dog"}`,
    () => `{"x": ${a}, "y": ${b}, "width": ${c}, "height": ${d}}`,
    () => `{"xcenter": ${a}, "ycenter": ${b}, "width": ${c}, "height": ${d}, image: 2}`,
    () => `{"top_left": [${a}, ${b}], "bottom_right": {"x": ${c}, "y": ${d}}}`,
    () => `{"image_${image}": [[${a}, ${b}, ${c}, ${d}], [${b}, ${a}, ${d}, ${c}]]}`,
    () => `{"boxes": [[${a}, ${b}, ${c}, ${d}], [1, 2, 3, 4]], "labels": ["a", "b"]}`,
    () => `{"1": [${a}, ${b}, ${c}, ${d}]}`,
    () => `<loc0${whole(random, 900) + 100}><loc0100><loc0500><loc0900> cup`,
    () => `cup<loc_${digits()}><loc_12><loc_${digits()}><loc_80>`,
    () => `<p>cup</p> {<1${whole(random, 10)}><20><55><80>}`,
    () => `<${digits()}><30><${digits()}><80>`,
    () => `array([${a} ${b} ${c} ${d}], dtype=float32)`,
    () => `\\boxed{[${a}, ${b}, ${c}, ${d}]}`,
    () => `{"bbox": "${a}, ${b}, ${c}, ${d}"}`,
    () => `{"bbox": [${a}, ${b}, ${c}, ${d}`,
    () => `{"point": [${a}, ${b}]}`,
    () => `{"quad": [1,2,3,4,5,6,7,8], "score": [0.1, 0.2, 0.3, 0.4]}`,
    () => `【${a}，${b}，${c}，${d}】`,
    () => `{"x1": "${a}", "y1": ${b}, "x2": ${c}px, "y2": ${d}}`,
    () => `${a} ${b} ${c} ${d}`,
    () => `<|quad_start|>(${a},${b}),(${c},${d})<|quad_end|>`,
  ])();
}

function body(random: Random, most: number): string {
  let text = '';
  for (let n = 1 + whole(random, 4); n > 0; n--) {
    const what = random.uniform();
    text +=
      what < 0.5
        ? written(random, most)
        : what < 0.7
          ? pick(random, PLACES)
          : what < 0.85
            ? pick(random, WORDS)
            : what < 0.93
              ? pick(random, REFUSALS)
              : pick(random, LETTERS);
  }
  return text;
}

/** A completion in tags, near tags, or none; sometimes cut, or with a piece twice. */
function completion(random: Random, most: number, right: string): string {
  const answer =
    random.uniform() < 0.3
      ? right
      : random.uniform() < 0.25
        ? pick(random, [...REFUSALS, ...LETTERS])
        : body(random, most);
  const thought = random.uniform() < 0.5 ? pick(random, WORDS) : body(random, most);
  let text = pick(random, [
    `<think>${thought}</think><answer>${answer}</answer>`,
    `<think>${thought}</think>\n<answer>${answer}</answer>`,
    `<think>${thought}</think>${answer}`,
    `<answer>${answer}</answer>`,
    `<think>${thought}</think><answer>${answer}`,
    `<think>${thought}<answer>${answer}</answer>`,
    `${thought}<think>x</think><answer>${answer}</answer><|im_end|>`,
    `<think>${thought}</think><answer>${answer}</answer> so`,
    answer,
    `<think>${thought}`,
  ]);
  if (random.uniform() < 0.2) {
    const [from, to] = [whole(random, text.length), whole(random, text.length)];
    text = random.uniform() < 0.5 ? text.slice(0, from) : text.slice(0, to) + text.slice(Math.min(from, to));
  }
  return text;
}

const CHOICES = 'Which is it? A. a cat B. a dog C. a cup D. none';
const QUESTIONS = [
  'Find the cup in Image-2.',
  'Box both cups.',
  'Find the dog.',
  CHOICES,
  'Is there a dog? Answer yes or no.',
  'Find all cups in the first image.',
];

function randomRow(random: Random, id: string): { row: Row; sizes: Size[] } {
  const images = 1 + whole(random, 4);
  const sizes = Array.from({ length: images }, () => ({
    width: 28 * (2 + whole(random, 30)),
    height: 28 * (2 + whole(random, 30)),
  }));
  const kind = random.uniform();
  const solution = Array.from({ length: kind < 0.65 ? 1 + whole(random, 3) : 0 }, (): GroundedBox => {
    const [x, y] = [random.uniform() * 0.7, random.uniform() * 0.7];
    return {
      image: whole(random, images),
      box: box01(x, y, x + 0.1 + random.uniform() * 0.2, y + 0.1 + random.uniform() * 0.2),
      ...(random.uniform() < 0.15 && { imageGuessed: true as const }),
    };
  });
  const answer: Segment[] =
    solution.length > 0
      ? solution.map((box) => ({ type: 'box', box }))
      : kind < 0.8
        ? []
        : [{ type: 'text', text: pick(random, ['A', 'B.', '(C)', 'Some words', 'None']) }];
  const row: Row = {
    id,
    task: '',
    split: 'train',
    images: sizes.map((_, i) => `${i}.png`),
    prompt: [
      {
        role: 'user',
        content: [
          ...sizes.map((_, image) => ({ type: 'image' as const, image })),
          { type: 'text', text: kind < 0.85 ? pick(random, QUESTIONS) : CHOICES },
        ],
      },
    ],
    answer,
    solution,
    ...(solution.length === 0 && kind < 0.75 && { nothing: true as const }),
    source: { file: 'x.json', line: 1 },
  };
  return { row, sizes };
}

/** Our scores of `n` completions in a family's convention. */
export function rewardCases(family: BoxFamily, n: number, seed: number): RewardCase[] {
  const random = new Random(seed);
  const convention = CONVENTIONS[family];
  const rewards = weightedRewards(CHOICE, { maxCompletionLength: LIMIT });
  return Array.from({ length: n }, (_, i): RewardCase => {
    const { row, sizes } = randomRow(random, `${family}-${i}`);
    const [first] = row.answer;
    const right = row.solution.length
      ? convention.formatAnswer(row.solution, sizes, { tags: false })
      : first?.type === 'text'
        ? first.text
        : 'None';
    const text = completion(random, convention.space === 'thousandths' ? 1000 : 800, right);
    const ids = Array.from({ length: 1 + whole(random, LIMIT + 4) }, () => whole(random, 6));
    const scored = scoreCompletion(
      { answer: readAnswer(text, convention, sizes), tokens: ids.length, tokenIds: Uint32Array.from(ids) },
      row,
      rewards,
    );
    return { text, ids, truth: truthOf(row, sizes), rewards: scored.rewards, total: scored.reward };
  });
}
