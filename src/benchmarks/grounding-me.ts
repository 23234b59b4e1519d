/**
 * GroundingME as VLMEvalKit scores it (open-compass/VLMEvalKit @ e8e78f0, `vlmeval/dataset/groundingme.py`): one box, or
 * none where nothing in the picture fits (rejection).
 *
 * As published: the longest `{…"bbox_2d"…}` as JSON; else the last four numbers anywhere; else, and for null, the box
 * 0, 0, 0, 0, which is what a rejection row wants. A box counts in pixels or over 999, whichever overlaps better: a
 * choice that knows the solution. A row whose answer cannot be read as a list counts as a rejection.
 */
import { isObject, printed } from '../base/json.ts';
import type { Benchmark, Corners } from './benchmark.ts';
import { boxCounts, countFigures } from './figures.ts';
import { sidedIou } from './plain-iou.ts';
import { countOf, four, foursIn, has, isText } from './read.ts';

const NOTHING: Corners = [0, 0, 0, 0];
const REJECTION = 'Rejection';

export const groundingMePrompt = (description: string): string =>
  `All spatial relationships are defined from the viewer's perspective, where 'front' means closer to the viewer and 'back' means farther from the viewer. Please provide the bounding box coordinate of the object the following statement describes:\n${description}\nEnsure that all details mentioned about the object are accurate. Provide at most one bounding box. If a matching object is found, provide its bounding box as a JSON in the format {"bbox_2d": [x1, y1, x2, y2]}. If no matching object is found, output {"bbox_2d": null}.`;

/** null: neither JSON nor four numbers, which the script reads as a rejection. */
export function groundingMeBox(text: string): Corners | null {
  // What /\{.*"bbox_2d".*\}/s finds: from the first brace to the last, if the key lies between.
  const [from, to] = [text.indexOf('{'), text.lastIndexOf('}')];
  const key = text.indexOf('"bbox_2d"', from + 1);
  if (from >= 0 && key >= 0 && key + '"bbox_2d"'.length <= to) {
    try {
      const value = JSON.parse(text.slice(from, to + 1)) as unknown;
      const box = isObject(value) ? value.bbox_2d : undefined;
      if (box === null) return NOTHING;
      const corners = Array.isArray(box) ? four(box.map((n: unknown) => (isText(n) ? Number(n) : n))) : null;
      if (corners) return corners;
    } catch {
      // As in the script: numbers are looked for instead.
    }
  }
  return foursIn(text).at(-1) ?? null;
}

const isNothing = (box: Corners): boolean => box.every((n) => n === 0);

function overlap(truth: Corners, given: Corners): number {
  if (isNothing(truth)) return Number(isNothing(given));
  const value = sidedIou(truth, given);
  return value > 0 ? value : 0;
}

function inPixels(box: Corners, width: number, height: number): Corners {
  const by = box.every((n) => n <= 1) ? 1 : 999;
  return [(box[0] / by) * width, (box[1] / by) * height, (box[2] / by) * width, (box[3] / by) * height];
}

function answerOf(value: unknown): Corners | null {
  if (Array.isArray(value)) return four(value);
  if (!isText(value)) return null;
  try {
    return four(JSON.parse(value) as unknown);
  } catch {
    return null;
  }
}

const WHOLE = ['index', 'image', 'question', 'subtask_l1', 'width', 'height'];
const OWN = ['subtask_l1', 'subtask_l2'];

export const groundingMe = {
  name: 'groundingMe',
  title: 'GroundingME',
  files: 'groundingme.tsv of lirang04/GroundingME',
  marks: {
    keys: [...WHOLE, ...OWN, 'answer'],
    own: OWN,
    file: /groundingme/i,
    sign: (value) => (has(value, ...WHOLE) ? 'certain' : countOf(value, OWN) > 0 ? 'likely' : null),
  },
  read: ({ index, image, question, answer, subtask_l1: task, subtask_l2: group }) => {
    if (!isText(image) || !isText(question) || !isText(task)) return 'it has no picture, no question or no subtask_l1';
    const corners = task === REJECTION ? null : answerOf(answer);
    const nothing = !corners || isNothing(corners);
    return {
      benchmark: 'groundingMe',
      id: `groundingme-${printed(index)}`,
      task,
      images: [image],
      question: `Give the bounding box of the object that this describes: ${question}`,
      prompt: groundingMePrompt(question),
      boxes: nothing ? [] : [{ corners, image: 0 }],
      space: 'natural',
      ...(isText(group) && { group }),
      answer: nothing ? '[]' : '<bbox>',
    };
  },
  protocol: {
    pictures: {},
    answerTokens: 1024,
    source:
      'open-compass/VLMEvalKit @ e8e78f0, vlmeval/dataset/groundingme.py; limits and length of the model that is asked',
  },
  questions: null,
  lmmsEval: { task: () => 'groundingme', target: () => '' },
  vlmEvalKit: 'by-place',
  strict: 'box-or-none',
  score: (task, { boxes, group }, { text, sizes: [size] }) => {
    const read = groundingMeBox(text);
    const given = read ?? NOTHING;
    const truth = boxes[0]?.corners ?? NOTHING;
    const readings = size ? [given, inPixels(given, size.width, size.height)] : [given];
    const value = Math.max(...readings.map((each) => overlap(truth, each)));
    return { task, value, parsed: read !== null, ...(group !== undefined && { group }) };
  },
  figures: (scored) => countFigures(scored, boxCounts([0.5, 0.75, 0.9]), { key: 'acc@0.5', of: 'micro' }),
  published: [
    {
      model: 'best of 25 models',
      figures: { average: 45.1 },
      source: 'GroundingME (arXiv 2512.17495), abstract as quoted by a survey of 2026-09; not checked',
      samePrompt: false,
      sameRule: false,
      note: 'Which model, and with which settings, is not said there.',
    },
  ],
} as const satisfies Benchmark;
