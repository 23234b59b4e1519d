/**
 * RefCOCO, RefCOCO+ and RefCOCOg as lmms-eval scores them (EvolvingLMMs-Lab/lmms-eval @ 75571cf,
 * `refcoco/utils_rec.py`): one box per phrase, asked for and read as fractions.
 *
 * As published: the first four numbers in square brackets; none is the box 0, 0, 0, 0. Numbers are taken as fractions
 * whatever they are. Every phrase of a box is a question of its own, also where a Parquet row has several: the dataset
 * makes a row of each (data/tables/phrase-table.ts).
 */
import type { Benchmark, Corners } from './benchmark.ts';
import { boxCounts, countFigures, share } from './figures.ts';
import { sidedIou } from './plain-iou.ts';
import { four, fractionsOf, fromSides, isText, oneBox, signOf } from './read.ts';

const PROMPT =
  'Bounding box coordinates are specified in the format (top-left x, top-left y, bottom-right x, bottom-right y). All values are floating point numbers bounded between 0 and 1. Please provide the bounding box coordinate of the region this sentence describes: ';
const BOX = /\[\s*(-?\d+(?:\.\d+)?),\s*(-?\d+(?:\.\d+)?),\s*(-?\d+(?:\.\d+)?),\s*(-?\d+(?:\.\d+)?)\s*\]/;

export const refCocoPrompt = (phrase: string): string => PROMPT + phrase;

const variantOf = (path: string): string | null =>
  /refcoco(?:\+|_?plus)/i.test(path)
    ? 'RefCOCO+'
    : /refcocog/i.test(path)
      ? 'RefCOCOg'
      : /refcoco/i.test(path)
        ? 'RefCOCO'
        : null;

/** `RefCOCO+ testA` from the names of file and part; of the three by the dataset's name where no path says it. */
export function refCocoTask(file: string, split = '', dataset = ''): string {
  const name = variantOf(file) ?? variantOf(dataset) ?? 'RefCOCO';
  const part = /test_?a/i.exec(split || file)
    ? 'testA'
    : /test_?b/i.exec(split || file)
      ? 'testB'
      : (/(?:^|[^a-z])(val|test)/i.exec(split || file)?.[1]?.toLowerCase() ?? 'all');
  return `${name} ${part}`;
}

const centred = (truth: Corners, given: Corners): boolean => {
  const [x, y] = [(given[0] + given[2]) / 2, (given[1] + given[3]) / 2];
  return truth[0] <= x && x <= truth[2] && truth[1] <= y && y <= truth[3];
};

const phrasesOf = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter(isText) : isText(value) ? [value] : [];

const WHOLE = ['question_id', 'image', 'answer', 'bbox', 'segmentation', 'iscrowd'];
const OWN = ['question_id', 'segmentation', 'iscrowd'];

export const refCoco = {
  name: 'refCoco',
  title: 'RefCOCO/+/g',
  files:
    'the Parquet files of lmms-lab/RefCOCO, RefCOCOplus, RefCOCOg, or RefCOCO’s own references with instances.json',
  marks: {
    keys: [...WHOLE, 'question', 'file_name'],
    own: ['segmentation', 'iscrowd'],
    // Its training part has the same columns, and may be trained on.
    sign: (value, file) => {
      const sign = signOf(value, WHOLE, OWN);
      return sign && /(?:^|[^a-z])train/i.test(file) ? 'likely' : sign;
    },
  },
  read: ({ question_id: id, image, answer, bbox }, { file, dataset = '' }) => {
    const [sides, phrases] = [four(bbox), phrasesOf(answer)];
    if (!isText(image) || !phrases.length) return 'it has no picture or no phrase';
    if (!sides) return 'bbox is not four numbers';
    return oneBox({
      benchmark: 'refCoco',
      id: isText(id) || typeof id === 'number' ? String(id) : null,
      task: refCocoTask(file, '', dataset),
      images: [image],
      question: `Find the region this refers to and give its box: ${phrases[0]!}`,
      prompt: refCocoPrompt(phrases[0]!),
      corners: fromSides(sides),
      image: 0,
      space: 'natural',
    });
  },
  protocol: {
    pictures: {},
    answerTokens: 1024,
    source: 'EvolvingLMMs-Lab/lmms-eval @ 75571cf, lmms_eval/tasks/refcoco/utils_rec.py; limits of the checkpoint',
  },
  questions: null,
  lmmsEval: { task: (task) => task.replace(/^(\S+) /, (name) => `${name.trim().toLowerCase()}_bbox_rec_`) },
  strict: 'box',
  score: (task, { boxes: [truth], space }, { text, sizes }) => {
    const found = BOX.exec(text);
    const given = (found?.slice(1, 5).map(Number) ?? [0, 0, 0, 0]) as unknown as Corners;
    const right = sizes[0] && fractionsOf(truth!.corners, space, sizes[0]);
    if (!right) return { task, value: 0, parsed: false };
    return { task, value: sidedIou(right, given), parsed: found !== null, centre: centred(right, given) };
  },
  figures: (scored) =>
    countFigures(
      scored,
      (rows) => [
        ...boxCounts([0.1, 0.3, 0.5, 0.7, 0.9])(rows),
        ...(rows.every(({ centre }) => centre !== undefined)
          ? [share('centre', 'centre inside', rows, ({ centre }) => centre === true)]
          : []),
      ],
      { key: 'acc@0.5', of: 'macro' },
    ),
  published: [],
} as const satisfies Benchmark;
