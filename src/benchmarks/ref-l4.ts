/**
 * Ref-L4 (JierunChen/Ref-L4, `ref_l4/evaluation.py`): referring expressions with long captions on COCO and Objects365.
 *
 * As published: Acc at IoU above (not from) 0.5, 0.75, 0.9, and mAcc over .5, .55, … .95; the same for small, medium and
 * large boxes (square root of the area below 128, up to 256, above, pixels); and averaged over classes, COCO's classes
 * counting as their likes of Objects365. How an answer becomes a box is not published: it is read in the model's
 * declared space.
 */
import type { Benchmark, Corners, Question, Scored } from './benchmark.ts';
import { boxCounts, byKey, countFigures, meanOf, share, type Figure } from './figures.ts';
import { sidedIou } from './plain-iou.ts';
import { four, fractionsOf, fromSides, isText, oneBox, signOf } from './read.ts';

const THRESHOLDS = Array.from({ length: 10 }, (_, i) => (50 + 5 * i) / 100);
/** COCO's class k is Objects365's: pairs of numbers. */
const CLASSES = new Map(
  '1:1 10:41 11:177 13:128 14:250 15:25 16:56 17:140 18:93 19:79 2:47 20:100 21:97 22:145 23:296 24:179 25:181 27:39 28:40 3:6 31:13 32:44 33:194 34:220 35:119 36:174 37:100000 38:155 39:138 4:59 40:114 41:146 42:147 43:205 44:9 46:36 47:11 48:89 49:85 5:115 50:94 51:26 52:113 53:83 54:266 55:104 56:142 57:153 58:235 59:144 6:56 60:151 61:98 62:3 63:51 64:26 65:76 67:98 7:117 70:154 72:37 73:74 74:116 75:133 76:107 77:62 78:164 79:135 8:66 80:278 81:82 82:134 84:19 85:95 86:31 87:170 88:70 89:328 9:22 90:227'
    .split(' ')
    .map((pair) => pair.split(':') as [string, string])
    .map(([coco, objects]) => [`refcoco_${coco}`, `o365_${objects}`]),
);

const sizeOf = ({ boxes: [truth] }: Question): string => {
  const [x1, y1, x2, y2] = truth!.corners;
  const side = Math.sqrt((x2 - x1) * (y2 - y1));
  return side < 128 ? 'small' : side <= 256 ? 'medium' : 'large';
};

const above = (rows: readonly Scored[], t: number): number =>
  rows.filter(({ value }) => value > t).length / rows.length;
const meanAbove = (rows: readonly Scored[]): number => meanOf(THRESHOLDS.map((t) => above(rows, t)));

function others(scored: readonly Scored[]): Figure[] {
  const sizes = byKey(scored, ({ question }) => sizeOf(question!));
  const bySize = ['small', 'medium', 'large'].flatMap((size): Figure[] => {
    const rows = sizes.get(size) ?? [];
    return [
      share(`${size}-acc@0.5`, `${size} boxes, Acc@0.5`, rows, ({ value }) => value > 0.5),
      { key: `${size}-macc`, words: `${size} boxes, mAcc`, value: meanAbove(rows), n: rows.length },
    ];
  });
  const classes = [...byKey(scored, ({ group = '' }) => CLASSES.get(group) ?? group).values()];
  return [
    ...bySize,
    {
      key: 'class-acc@0.5',
      words: 'mean of classes, Acc@0.5',
      value: meanOf(classes.map((rows) => above(rows, 0.5))),
      n: classes.length,
    },
    { key: 'class-macc', words: 'mean of classes, mAcc', value: meanOf(classes.map(meanAbove)), n: classes.length },
  ];
}

const WHOLE = ['caption', 'bbox', 'file_name', 'ori_category_id', 'image_id'];
const OWN = ['ori_category_id', 'is_rewrite', 'bbox_id', 'bbox_area'];

export const refL4 = {
  name: 'refL4',
  title: 'Ref-L4',
  files: 'ref-l4-val.parquet, ref-l4-test.parquet of JierunChen/Ref-L4 with its images.tar.gz',
  marks: {
    keys: [...WHOLE, ...OWN, 'id', 'height', 'width', 'split'],
    own: ['ori_category_id', 'is_rewrite', 'bbox_id'],
    sign: (value) => signOf(value, WHOLE, OWN),
  },
  read: ({ id, caption, bbox, file_name: image, ori_category_id: group, split }, { file }) => {
    const sides = four(bbox);
    if (!isText(image) || !isText(caption)) return 'it has no file_name or no caption';
    if (!sides) return 'bbox is not four numbers';
    const prompt = `Find the region this refers to and give its box: ${caption}`;
    return oneBox({
      benchmark: 'refL4',
      id: isText(id) || typeof id === 'number' ? String(id) : null,
      task: isText(split) ? split : (/(val|test)[^/]*$/i.exec(file)?.[1]?.toLowerCase() ?? 'all'),
      images: [image],
      question: prompt,
      prompt,
      corners: fromSides(sides),
      image: 0,
      space: 'natural',
      ...(isText(group) && { group }),
    });
  },
  protocol: {
    pictures: {},
    answerTokens: 1024,
    source: 'JierunChen/Ref-L4, ref_l4/evaluation.py; prompt, limits and the reading of answers are each model’s own',
  },
  questions: null,
  strict: 'box',
  needsBoxes: true,
  score: (task, question, { boxes: [first], sizes: [size] }) => {
    const { boxes, space, group } = question;
    const truth = size && fractionsOf(boxes[0]!.corners, space, size);
    const value = truth && first ? sidedIou(truth, first.box as Corners) : 0;
    return { task, value, parsed: first !== undefined, question, ...(group !== undefined && { group }) };
  },
  figures: (scored) =>
    countFigures(
      scored,
      (rows) => [
        ...boxCounts([0.5, 0.75, 0.9], true)(rows),
        { key: 'macc', words: 'mAcc .5:.95', value: meanAbove(rows), n: rows.length },
      ],
      { key: 'acc@0.5', of: 'micro' },
      scored.every(({ question }) => question) ? others(scored) : [],
    ),
  published: [
    {
      model: 'CogVLM-Grounding',
      figures: { average: 81.7 },
      source: 'README of JierunChen/Ref-L4, split all, Acc@0.5',
      samePrompt: false,
      sameRule: true,
      note: 'Asked in its own words.',
    },
  ],
} as const satisfies Benchmark;
