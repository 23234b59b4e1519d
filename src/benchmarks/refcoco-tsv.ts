/**
 * RefCOCO/+/g as VLMEvalKit scores it (open-compass/VLMEvalKit @ e8e78f0, `vlmeval/dataset/refcoco.py`): one table of the
 * eight splits, questions worded in the file itself.
 *
 * As published: the first four numbers in square brackets, else the first four anywhere. What they are is guessed from
 * the greatest of them: up to 1.5 fractions, up to 1000 thousandths, else pixels, so that small boxes in pixels are
 * misread. They are cut at the picture's edges and put in order. Precision@1 is Acc@0.5; the average is that of splits.
 */
import { printed } from '../base/json.ts';
import type { Benchmark, Corners } from './benchmark.ts';
import { boxCounts, countFigures } from './figures.ts';
import { guardedIou } from './plain-iou.ts';
import { four, has, isText, oneBox, signOf } from './read.ts';

const NUMBER = String.raw`[-+]?(?:\d*\.\d+|\d+)(?:[eE][-+]?\d+)?`;
const GAP = String.raw`(?:\s*,\s*|\s+)`;
const LIST = new RegExp(String.raw`\[\s*(${NUMBER})${GAP}(${NUMBER})${GAP}(${NUMBER})${GAP}(${NUMBER})\s*\]`);

function numbersIn(text: string): Corners | null {
  const list =
    LIST.exec(text)?.slice(1, 5) ?? [...text.matchAll(new RegExp(NUMBER, 'g'))].slice(0, 4).map(([all]) => all);
  return list.length < 4 ? null : (list.map(Number) as unknown as Corners);
}

/** In pixels of a picture. */
function pixels(numbers: Corners, width: number, height: number): Corners {
  const most = Math.max(...numbers.map(Math.abs));
  const scale = most <= 1.5 ? 1 : most <= 1000 ? 1000 : null;
  const across = (n: number) => Math.min(Math.max(scale === null ? n : (n / scale) * width, 0), width);
  const down = (n: number) => Math.min(Math.max(scale === null ? n : (n / scale) * height, 0), height);
  const [x1, y1, x2, y2] = [across(numbers[0]), down(numbers[1]), across(numbers[2]), down(numbers[3])];
  return [Math.min(x1, x2), Math.min(y1, y2), Math.max(x1, x2), Math.max(y1, y2)];
}

const COLUMNS = ['bbox_x1', 'bbox_y1', 'bbox_x2', 'bbox_y2'];

/** `RefCOCO+ test A` of the column `category` → `RefCOCO+_testA`. */
function splitOf(category: unknown, split: unknown): string {
  if (isText(split)) return split;
  const [name = 'RefCOCO', rest = ''] = isText(category) ? category.trim().split(/\s+(.*)/) : [];
  const part = { val: 'val', test: 'test', testa: 'testA', testb: 'testB' }[rest.toLowerCase().replace(/[\s_-]+/g, '')];
  return part ? `${name}_${part}` : name;
}

export const refCocoTsv = {
  name: 'refCocoTsv',
  title: 'RefCOCO/+/g of VLMEvalKit',
  files: 'RefCOCO.tsv of mjuicem/RefCOCO-VLMEvalKit',
  marks: {
    keys: ['index', 'image', 'question', 'answer', ...COLUMNS, 'category', 'split', 'width', 'height'],
    own: COLUMNS,
    file: /refcoco[^/]*\.tsv/i,
    // Empty cells are no fields: a part says more than the boxes do.
    sign: (value) => {
      const part = [value.category, value.split].some((each) => isText(each) && /^refcoco/i.test(each));
      if (part && has(value, 'index', 'question')) return 'certain';
      return signOf(value, ['index', 'image', 'question', ...COLUMNS, 'category'], COLUMNS);
    },
  },
  read: (value) => {
    const corners = four(COLUMNS.map((name) => (value[name] === '' ? null : Number(value[name]))));
    const { index, image, question, category, split } = value;
    if (!isText(image) || !isText(question)) return 'it has no picture or no question';
    if (!corners) return 'bbox_x1 … bbox_y2 are not four numbers';
    const task = splitOf(category, split);
    return oneBox({
      benchmark: 'refCocoTsv',
      id: `${task}_${printed(index)}`,
      task,
      images: [image],
      question,
      prompt: question,
      corners,
      image: 0,
      space: 'natural',
    });
  },
  protocol: {
    pictures: {},
    answerTokens: 1024,
    source:
      'open-compass/VLMEvalKit @ e8e78f0, vlmeval/dataset/refcoco.py; limits and length of the model that is asked',
  },
  questions: null,
  vlmEvalKit: 'by-index',
  strict: 'box',
  score: (task, { boxes: [truth] }, { text, sizes: [size] }) => {
    const numbers = numbersIn(text);
    if (!numbers || !size) return { task, value: 0, parsed: false };
    return { task, value: guardedIou(pixels(numbers, size.width, size.height), truth!.corners), parsed: true };
  },
  figures: (scored) => countFigures(scored, boxCounts([0.5]), { key: 'acc@0.5', of: 'macro' }),
  published: [],
} as const satisfies Benchmark;
