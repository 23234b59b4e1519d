/**
 * ODinW-13 as lmms-eval scores it (EvolvingLMMs-Lab/lmms-eval @ 75571cf, `odinw13/utils.py`; kcz358/ODinW-13): every
 * object of the named classes in a picture, thirteen data sets.
 *
 * As published: every JSON object with a box and a class in the answer; none: every four numbers, of no class. Each box
 * is tried in pixels, as a fraction and in thousandths, and the reading that overlaps a right box of its class best is
 * kept: a choice that knows the solution, so its figures are optimistic. mAP is COCO's per data set, averaged over them.
 * Numbers that Python cannot convert stop the script; here such an answer counts as unreadable.
 */
import { isObject, printed } from '../base/json.ts';
import type { Benchmark, Corners, Detection, Question, Scored } from './benchmark.ts';
import { COCO_THRESHOLDS, meanAveragePrecision, sidesOf, type CocoBox, type CocoDetection } from './coco-ap.ts';
import { byKey, countFigures, meanOf, type Figure } from './figures.ts';
import { guardedIou } from './plain-iou.ts';
import { four, foursIn, isText, signOf } from './read.ts';
import { secondHand } from './second-hand.ts';

const BOX_KEYS = ['bbox_2d', 'bbox', 'box_2d', 'box'];
const CLASS_KEYS = ['label', 'class', 'category', 'name', 'class_name'];

interface Found {
  readonly corners: Corners;
  /** Trimmed and lower case; '': none. */
  readonly label: string;
}

const normal = (label: unknown): string =>
  label === null || label === undefined ? 'none' : printed(label).trim().toLowerCase();

function parsedJson(text: string): { readonly value: unknown } | null {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return null;
  }
}

/** Where the object that begins at `from` ends; −1: it does not. */
function objectEnd(text: string, from: number): number {
  let [depth, quoted] = [0, false];
  for (let i = from; i < text.length; i++) {
    const c = text[i];
    if (c === '\\') i++;
    else if (c === '"') quoted = !quoted;
    else if (!quoted && c === '{') depth++;
    else if (!quoted && c === '}' && --depth === 0) return i + 1;
  }
  return -1;
}

/** Characters that are looked at for objects: braces within braces that are no JSON cost the square of their number. */
const MOST_LOOKED_AT = 20_000_000;

/** Every object that can be read, from the left; an unclosed one ends the search. */
function objectsIn(text: string): unknown[] {
  const found: unknown[] = [];
  let looked = 0;
  for (let i = text.indexOf('{'); i >= 0; i = text.indexOf('{', i)) {
    const end = objectEnd(text, i);
    if (end < 0 || (looked += end - i) > MOST_LOOKED_AT) break;
    const parsed = parsedJson(text.slice(i, end));
    if (parsed) found.push(parsed.value);
    i = parsed ? end : i + 1;
  }
  return found;
}

function payloadOf(text: string): unknown {
  const whole = parsedJson(text);
  if (whole) return whole.value;
  for (const [, fenced] of text.matchAll(/```(?:json)?(.*?)```/gis)) {
    const parsed = parsedJson(fenced!.trimStart());
    if (parsed) return parsed.value;
  }
  return objectsIn(text);
}

/** Boxes and classes of an answer in the script's order: from the last to the first. null: it would stop. */
export function odinwBoxes(text: string): Found[] | null {
  const found: Found[] = [];
  const stack: unknown[] = [payloadOf(text)];
  while (stack.length) {
    const node = stack.pop();
    if (Array.isArray(node)) stack.push(...(node as unknown[]));
    else if (isObject(node)) {
      const key = BOX_KEYS.find((each) => Object.hasOwn(node, each));
      const box = key === undefined ? null : node[key];
      if (Array.isArray(box) && box.length === 4) {
        const corners = four(box.map((n: unknown) => (isText(n) ? Number(n) : n)));
        if (!corners) return null;
        const named = CLASS_KEYS.find((each) => Object.hasOwn(node, each));
        found.push({ corners, label: normal(named === undefined ? null : node[named]) });
      } else stack.push(...Object.values(node));
    }
  }
  if (found.length || text === '') return found;
  return foursIn(text).map((corners) => ({ corners, label: 'none' }));
}

/** The reading of a box that overlaps a right box of its class best; as written where there is none of its class. */
function bestReading({ corners, label }: Found, { boxes }: Question, width: number, height: number): Corners {
  const same = boxes.filter((truth) => normal(truth.label) === label);
  const most = Math.max(...corners);
  const scaled = (by: number): Corners => [
    (corners[0] / by) * width,
    (corners[1] / by) * height,
    (corners[2] / by) * width,
    (corners[3] / by) * height,
  ];
  const readings = [corners, ...(most <= 1 ? [scaled(1)] : []), ...(most <= 1000 ? [scaled(1000)] : [])];
  let [best, reading] = [-1, corners];
  for (const each of same.length ? readings : [])
    for (const truth of same) {
      const overlap = guardedIou(truth.corners, each);
      if (overlap > best) [best, reading] = [overlap, each];
    }
  return reading;
}

/** For each right box the IoU of the box that greedy matching within its class gives it; 0 without one. */
function greedyIous({ boxes }: Question, detections: readonly Detection[]): number[] {
  const pairs = boxes.flatMap((truth, t) =>
    detections.flatMap((given, d) => {
      const overlap = normal(truth.label) === normal(given.label) ? guardedIou(truth.corners, given.corners) : 0;
      return overlap > 0 ? [{ t, d, overlap }] : [];
    }),
  );
  const ious = boxes.map(() => 0);
  const [usedTruth, usedGiven] = [new Set<number>(), new Set<number>()];
  for (const { t, d, overlap } of pairs.sort((a, b) => b.overlap - a.overlap)) {
    if (usedTruth.has(t) || usedGiven.has(d)) continue;
    usedTruth.add(t);
    usedGiven.add(d);
    ious[t] = overlap;
  }
  return ious;
}

/** COCO's mean AP of one data set; NaN without right boxes. */
function averageOf(rows: readonly Scored[], thresholds?: readonly number[]): number {
  const categories = new Map<string, number>();
  for (const { question } of rows)
    for (const name of question!.categories ?? [])
      if (!categories.has(normal(name))) categories.set(normal(name), categories.size + 1);
  const truth: CocoBox[] = [];
  const given: CocoDetection[] = [];
  rows.forEach(({ question, detections = [] }, image) => {
    for (const { corners, label } of question!.boxes) {
      const category = categories.get(normal(label));
      if (category) truth.push({ image, category, sides: sidesOf(corners) });
    }
    for (const { corners, label, score } of detections) {
      const category = categories.get(normal(label));
      if (category) given.push({ image, category, sides: sidesOf(corners), score });
    }
  });
  if (!truth.length) return NaN;
  return given.length ? meanAveragePrecision(truth, given, thresholds) : 0;
}

const MAP: readonly (readonly [key: string, words: string, thresholds: readonly number[]])[] = [
  ['map', 'mAP', COCO_THRESHOLDS],
  ['map50', 'mAP50', [0.5]],
  ['map75', 'mAP75', [COCO_THRESHOLDS[5]!]],
];

/** Of one data set, or of all rows together. Shares count right boxes, not pictures. */
function counts(rows: readonly Scored[]): readonly Figure[] {
  const ious = rows.flatMap(({ question, detections = [] }) => greedyIous(question!, detections));
  const figures = MAP.map(([key, words, thresholds]): Figure => {
    const sets = [...byKey(rows, ({ task }) => task).values()].map((each) => averageOf(each, thresholds));
    return { key, words, value: meanOf(sets.filter((value) => !Number.isNaN(value))), n: rows.length };
  });
  for (const t of [0.3, 0.5, 0.7]) {
    const hits = ious.filter((value) => value >= t).length;
    figures.push({ key: `acc@${t}`, words: `boxes at IoU ${t}`, value: hits / ious.length, n: ious.length, hits });
  }
  return [...figures, { key: 'mean-iou', words: 'mean IoU', value: meanOf(ious), n: ious.length }];
}

export const scoreDetections = (
  task: string,
  question: Question,
  detections: readonly Detection[],
  parsed: boolean,
): Scored => ({
  task,
  value: question.boxes.length ? meanOf(greedyIous(question, detections)) : Number(detections.length === 0),
  parsed,
  detections,
  question,
});

const WHOLE = ['image', 'dataset_name', 'categories', 'bboxes', 'labels'];

export const odinw = {
  name: 'odinw',
  title: 'ODinW-13',
  files: 'the Parquet files of kcz358/ODinW-13',
  marks: {
    keys: [...WHOLE, 'image_id', 'width', 'height'],
    own: ['dataset_name', 'bboxes'],
    sign: (value) => signOf(value, WHOLE, ['dataset_name', 'categories', 'bboxes', 'labels']),
  },
  read: ({ image, dataset_name: task, categories, bboxes, labels }) => {
    const names = Array.isArray(categories) ? categories.map(String) : [];
    const classes = Array.isArray(labels) ? labels.map(String) : [];
    const boxes = Array.isArray(bboxes) ? bboxes.map(four) : [];
    if (!isText(image) || !isText(task) || !names.length) return 'it has no picture, no dataset_name or no categories';
    if (boxes.includes(null) || boxes.length !== classes.length) return 'bboxes and labels do not belong together';
    const prompt = `Locate every instance that belongs to the following categories: ´${names.join(', ')}´. Report bbox coordinates in JSON format.`;
    return {
      benchmark: 'odinw',
      id: null,
      task,
      images: [image],
      question: prompt,
      prompt,
      boxes: boxes.map((corners, i) => ({ corners: corners!, image: 0, label: classes[i]! })),
      space: 'natural',
      categories: names,
      answer: boxes.length ? boxes.map(() => '<ref-object><bbox>').join('\n') : '[]',
    };
  },
  protocol: {
    pictures: {},
    answerTokens: 8192,
    source: 'EvolvingLMMs-Lab/lmms-eval @ 75571cf, lmms_eval/tasks/odinw13/utils.py; greedy; limits of the checkpoint',
  },
  questions: null,
  lmmsEval: { task: () => 'odinw13', target: () => '' },
  strict: 'detections',
  score: (task, question, { text, sizes: [size] }) => {
    const found = size ? odinwBoxes(text) : null;
    const detections = (found ?? []).map((each): Detection => ({
      image: 0,
      corners: bestReading(each, question, size!.width, size!.height),
      label: each.label,
      score: 1,
    }));
    return scoreDetections(task, question, detections, found !== null && (found.length > 0 || !question.boxes.length));
  },
  figures: (scored) => countFigures(scored, counts, { key: 'map', of: 'macro' }),
  published: [
    secondHand('GeM-VG', '2601.04777', 41.1),
    secondHand('Migician', '2601.04777', 21.9),
    secondHand('Multi-image grounding by RL', '2507.00748', 54.15),
  ],
} as const satisfies Benchmark;
