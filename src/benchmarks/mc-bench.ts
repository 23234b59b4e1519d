/**
 * MC-Bench (XuYunqiu/MC-Bench @ fd43ae3): pairs of pictures, any number of boxes in either, in one or more groups.
 * Instance: COCO's AP at IoU 0.5 per group, weighted by the group's share of boxes. Image: a pair is right when in both
 * pictures "is there a box" is answered right.
 *
 * How an answer becomes boxes is not published: both readings take the boxes of the answer in the model's declared space.
 * They differ in the names of groups. Predicted groups are renamed to fit the solution's best, since "group 1" and
 * "group 2" mean nothing. The official script (`eval_mc_bench.py`) reads the predictions anew for each picture with a
 * second group, and so keeps the last renaming only; it renames one group after the other, which can merge two; and it
 * takes predicted groups to be 1, 2, … . As published does all that; strict renames every pair, and all groups at once.
 */
import type { Box01 } from '../grounding/box.ts';
import { matchHungarian } from '../grounding/matching.ts';
import type { Benchmark, Corners, Detection, Question, Scored } from './benchmark.ts';
import { averagePrecision, sidesIou, sidesOf, type CocoBox, type CocoDetection } from './coco-ap.ts';
import { countFigures, meanOf, share, type Figure } from './figures.ts';
import { pythonSetOrder } from './python-set.ts';
import { secondHand } from './second-hand.ts';

/** "group 2" → 2; what names no group is the first. */
export const groupOf = (label: string | undefined): number => Number(/(?<!\d)(\d+)\s*$/.exec(label ?? '')?.[1] ?? 1);

interface Pair {
  readonly truth: readonly CocoBox[];
  readonly given: readonly CocoDetection[];
}

const numberOf = ({ imageIds }: Question, image: number): number => imageIds?.[image] ?? image;

/** A pair in COCO's terms: pictures by their numbers in the file, groups as categories. */
function pairOf({ question, detections = [] }: Scored): Pair {
  const q = question!;
  const box = (corners: Corners, image: number, label?: string): CocoBox => ({
    image: numberOf(q, image),
    category: groupOf(label),
    sides: sidesOf(corners),
  });
  return {
    truth: q.boxes.map(({ corners, image, label }) => box(corners, image, label)),
    given: detections.map(({ corners, image, label, score }) => ({ ...box(corners, image, label), score })),
  };
}

/** IoUs of the best matching of one group with another in one picture; pairs forced together count with their 0. */
function matchedIous(given: readonly CocoBox[], truth: readonly CocoBox[]): number[] {
  return matchHungarian(given.map((g) => truth.map((t) => sidesIou(g.sides, t.sides)))).map(({ score }) => score);
}

function* permutations(of: readonly number[], length: number): Generator<number[]> {
  if (length === 0) yield [];
  else
    for (const [i, first] of of.entries())
      for (const rest of permutations(of.toSpliced(i, 1), length - 1)) yield [first, ...rest];
}

/** Names from `wanted` for the groups `given`, in their order, with the best mean IoU over both pictures; null: none. */
function bestNames({ truth, given }: Pair, groups: readonly number[], wanted: readonly number[]): number[] | null {
  let best: { value: number; names: number[] } | null = null;
  const pictures = [...new Set([...truth, ...given].map(({ image }) => image))];
  for (const names of permutations(wanted, groups.length)) {
    const ious = groups.flatMap((group, i) =>
      pictures.flatMap((image) =>
        matchedIous(
          given.filter((box) => box.category === group && box.image === image),
          truth.filter((box) => box.category === names[i] && box.image === image),
        ),
      ),
    );
    const value = ious.length ? meanOf(ious) : 0;
    if (!best || value > best.value) best = { value, names };
  }
  return best?.names ?? null;
}

const sorted = (values: Iterable<number>): number[] => [...new Set(values)].sort((a, b) => a - b);

function renamed(pair: Pair): Pair {
  const wanted = sorted(pair.truth.map(({ category }) => category));
  const groups = sorted(pair.given.map(({ category }) => category));
  if (wanted.length < 2 || groups.length === 0) return pair;
  const names = bestNames(pair, groups, wanted);
  return names
    ? { ...pair, given: pair.given.map((box) => ({ ...box, category: names[groups.indexOf(box.category)]! })) }
    : pair;
}

/** The official renaming: of the last picture with a second group, in the order in which Python goes through a set. */
function officiallyRenamed(pairs: readonly Pair[]): readonly Pair[] {
  const second = pairs.flatMap(({ truth }) => truth.filter(({ category }) => category === 2));
  const last = pythonSetOrder(second.map(({ image }) => image)).at(-1);
  const pair = pairs.find(({ truth }) => truth.some(({ image, category }) => image === last && category === 2));
  if (!pair) return pairs;
  const wanted = pythonSetOrder(pair.truth.map(({ category }) => category));
  const count = new Set(pair.given.map(({ category }) => category)).size;
  const names = bestNames(
    pair,
    Array.from({ length: count }, (_, i) => i + 1),
    wanted,
  );
  const given = (names ?? []).reduce(
    (boxes, name, i) => boxes.map((box) => (box.category === i + 1 ? { ...box, category: name } : box)),
    pair.given,
  );
  return pairs.map((each) => (each === pair ? { ...pair, given } : each));
}

/** AP at IoU 0.5 per group, weighted by the group's share of boxes. */
function weightedAp50(pairs: readonly Pair[]): number {
  const truth = pairs.flatMap((pair) => pair.truth);
  // pycocotools takes pictures in the order of their numbers.
  const given = pairs.flatMap((pair) => pair.given);
  return sorted(truth.map(({ category }) => category)).reduce((sum, category) => {
    const count = truth.filter((box) => box.category === category).length;
    return sum + (averagePrecision(truth, given, category, 0.5)! * count) / truth.length;
  }, 0);
}

const rightPair = ({ question, detections = [] }: Scored): boolean =>
  [0, 1].every((i) => question!.boxes.some(({ image }) => image === i) === detections.some(({ image }) => image === i));

const counts = (rows: readonly Scored[]): readonly Figure[] => [
  share('image-accuracy', 'image accuracy', rows, rightPair),
  {
    key: 'mean-iou',
    words: 'mean IoU of matched boxes',
    value: meanOf(rows.map(({ value }) => value)),
    n: rows.length,
  },
];

/** Boxes in pixels of their picture, from those of an answer. */
export function detectionsOf(
  boxes: readonly { readonly image: number | null; readonly box: Corners | Box01; readonly label?: string }[],
  sizes: readonly { readonly width: number; readonly height: number }[],
): Detection[] {
  return boxes.flatMap(({ image, box: [x1, y1, x2, y2], label = '' }) => {
    const size = image === null ? undefined : sizes[image];
    if (!size) return [];
    const { width, height } = size;
    return [{ image: image!, corners: [x1 * width, y1 * height, x2 * width, y2 * height] as const, label, score: 1 }];
  });
}

export const mcBench = {
  name: 'mcBench',
  title: 'MC-Bench',
  files: 'mc-bench_v0.2_val.json with mc-bench_images',
  protocol: {
    pictures: {},
    answerTokens: 1024,
    source:
      'XuYunqiu/MC-Bench @ fd43ae3, eval_mc_bench.py; prompt, limits and the reading of answers are not published',
  },
  questions: null,
  strict: 'detections',
  needsBoxes: true,
  score: (task, question, { boxes, sizes }) => {
    const detections = detectionsOf(boxes, sizes);
    const { truth, given } = pairOf({ task, value: 0, parsed: true, question, detections });
    const ious = sorted(truth.map(({ image }) => image)).flatMap((image) =>
      matchedIous(
        given.filter((box) => box.image === image),
        truth.filter((box) => box.image === image),
      ),
    );
    const most = Math.max(truth.length, given.length);
    return {
      task,
      value: most ? ious.reduce((a, b) => a + b, 0) / most : 1,
      parsed: boxes.length > 0 || truth.length === 0,
      detections,
      question,
    };
  },
  figures: (scored, asPublished) => {
    const pairs = scored.map(pairOf);
    const value = weightedAp50(asPublished ? officiallyRenamed(pairs) : pairs.map(renamed));
    const instance: Figure = { key: 'ap50', words: 'instance AP50', value, n: scored.length };
    const figures = countFigures(scored, counts, { key: 'image-accuracy', of: 'micro' }, [instance]);
    return { ...figures, main: instance };
  },
  published: [secondHand('Multi-image grounding by RL', '2507.00748', 58.49)],
} as const satisfies Benchmark;
