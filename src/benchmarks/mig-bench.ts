/**
 * MIG-Bench (thunlp/Migician @ 7b868a2, `eval/MIG-Bench/MIG_data.json`): ten tasks, one box per question, fractions.
 *
 * As published is `eval/MIG_bench_eval.py` with `extract_bbox` of `eval/utils.py`. Quirks kept: the prompt's closing
 * token is an opening one; the suffix is added whatever `need_format` says; the first pattern with a match wins,
 * wherever it stands; a lone box's values are thousandths from 1 upwards, but above 1 if there are several; only the
 * first box is scored, and its picture is not looked at. Migician's own answers are stretched downwards there before
 * they are scored; those of other models are not, and so it is here.
 */
import type { Benchmark, Corners, Fields, Sign } from './benchmark.ts';
import { boxCounts, countFigures } from './figures.ts';
import { migicianIou } from './plain-iou.ts';
import { countOf, four, isText, oneBox, texts } from './read.ts';
import { MIG_PUBLISHED } from './mig-published.ts';

const SUFFIX = "Format:<|box_start|>(x1,y1),(x2,y2)<|box_start|>. Don't generate addtional words.";

/** Task key → questions in the published file. */
export const MIG_TASKS = {
  common_object: 816,
  correspondence: 117,
  diff: 528,
  group_grounding: 499,
  multi_view: 288,
  object_tracking: 550,
  reasoning: 101,
  refer_grounding: 99,
  region: 1203,
  view_diff: 94,
} as const;

/** A fraction may overshoot its picture so far: the file's largest is 1.048. */
export const OVERSHOOT = 1.1;

const PATTERNS = [
  /\((\d+),\s*(\d+)\),\s*\((\d+),\s*(\d+)\)/g,
  /\[(\d+\.\d+),\s*(\d+\.\d+),\s*(\d+\.\d+),\s*(\d+\.\d+)\]/g,
  /\((\d+\.\d+),(\d+\.\d+)\),\((\d+\.\d+),(\d+\.\d+)\)/g,
  /\((\d+\.\d+),\s*(\d+\.\d+),\s*(\d+\.\d+),\s*(\d+\.\d+)\)/g,
  /\[(\d+),\s*(\d+),\s*(\d+),\s*(\d+)\]/g,
  /<box>(\d+)\s+(\d+)\s+(\d+)\s+(\d+)<\/box>/g,
] as const;

/** All matches of the first pattern that has any, as their digits. */
export function migMatches(text: string): string[][] {
  for (const pattern of PATTERNS) {
    const matches = [...text.matchAll(pattern)].map((match) => match.slice(1, 5));
    if (matches.length) return matches;
  }
  return [];
}

/** The box that is scored, 0–1; null where the benchmark counts IoU 0. */
export function migBox(text: string): Corners | null {
  const [first, ...more] = migMatches(text);
  if (!first) return null;
  const whole = (value: number) => (more.length ? value > 1 : value >= 1);
  return first.map(Number).map((value) => (whole(value) ? value / 1000 : value)) as unknown as Corners;
}

/** Whether a value has the benchmark's keys, and its box. */
export function migAnswer(value: Fields): Corners | null {
  const { question, images, answer } = value;
  const mine = hasTask(value) && isText(question) && texts(images);
  return mine ? four(answer) : null;
}

const hasTask = ({ task }: Fields): boolean => typeof task === 'string' && Object.hasOwn(MIG_TASKS, task);

const ownFractions = (value: Fields): boolean => migAnswer(value)?.every((n) => n >= 0 && n <= OVERSHOOT) ?? false;

/** Keys that the published rows have, and that rows made after them have not. */
const OWN = ['need_format', 'additional_info'];

export const MIG_MARKS = { keys: ['task', 'images', 'question', 'answer', 'id', ...OWN], own: OWN } as const;

/** One of the ten tasks beside a key of its own, or both keys beside anything of a question; `need_format` alone is odd enough to ask. */
export function migSign(value: Fields): Sign | null {
  const own = countOf(value, OWN);
  if (own > 0 && hasTask(value)) return 'certain';
  if (countOf(value, ['task', 'images', 'question', 'answer']) < 2) return null;
  return own === OWN.length ? 'certain' : Object.hasOwn(value, 'need_format') ? 'likely' : null;
}

export const migQuestion = (value: Fields) => ({
  benchmark: 'migBench',
  id: typeof value.id === 'string' || typeof value.id === 'number' ? String(value.id) : null,
  task: value.task as string,
  images: texts(value.images)!,
  question: value.question as string,
});

export const migBench = {
  name: 'migBench',
  title: 'MIG-Bench',
  files: 'MIG_data.json of thunlp/Migician with its folder of pictures',
  marks: {
    ...MIG_MARKS,
    file: /mig[-_]?data|(?<!revised[-_]?)mig[-_]?bench/i,
    sign: (value) => migSign(value) ?? (ownFractions(value) ? 'likely' : null),
    fits: ownFractions,
  },
  read: (value) => {
    const corners = migAnswer(value);
    if (!corners) return 'it is not a question of MIG-Bench with an answer of four numbers';
    const row = migQuestion(value);
    // The published file does not say in which picture the box lies; data finds it in the question's words.
    return oneBox({ ...row, prompt: row.question + SUFFIX, corners, image: -1, space: 'fraction' });
  },
  protocol: {
    pictures: {},
    answerTokens: 128,
    source: 'thunlp/Migician @ 7b868a2, eval/MIG_bench_eval.py and eval/utils.py; greedy; limits of the checkpoint',
  },
  questions: MIG_TASKS,
  strict: 'box',
  score: (task, { boxes: [truth] }, { text }) => {
    const box = migBox(text);
    return { task, value: box ? migicianIou(truth!.corners, box) : 0, parsed: box !== null };
  },
  figures: (scored) => countFigures(scored, boxCounts([0.3, 0.5, 0.7]), { key: 'acc@0.5', of: 'macro' }),
  published: MIG_PUBLISHED.map((row) => ({
    ...row,
    samePrompt: row.script === 'migician',
    sameRule: row.script === 'migician' && row.model !== 'Migician',
  })),
} as const satisfies Benchmark;
