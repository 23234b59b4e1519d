/**
 * What UniVG-R1's four zero-shot evaluations share (AMAP-ML/UniVG-R1 @ 44868ea, `eval/zero_shot/<name>/eval.py`): prompt,
 * parser and metric. Quirks kept: the box is looked for in the whole decoded sequence, prompt included, and the first
 * one there wins; thousandths; anything that goes wrong is IoU 0.
 */
import type { Benchmark, Corners, PublishedRow, Question, Scored, Written } from './benchmark.ts';
import { boxCounts, countFigures } from './figures.ts';
import { sidedIou } from './plain-iou.ts';
import { fractionsOf } from './read.ts';

const THINK =
  'First output the thinking process in <think> </think> tags and then output the bounding box in <answer> </answer> tags.';

export const stillPrompt = (instruction: string): string =>
  `Output the bounding box in the image corresponding to the instruction: ${instruction}. ${THINK}`;

export const videoPrompt = (instruction: string): string =>
  `This is a sequence of images from a video. Please understand the entire video content, and then output the bounding box in the third image according to the instruction: ${instruction}. ${THINK}`;

/** The picture of a sequence in which the box is. */
export const THIRD = 2;

const BOX = /\(\s*(\d+)\s*,\s*(\d+)\s*\)\s*,\s*\(\s*(\d+)\s*,\s*(\d+)\s*\)/;

function score(task: string, { prompt, boxes: [truth], space }: Question, written: Written): Scored {
  const found = BOX.exec(`${prompt}\n${written.text}`);
  const size = written.sizes[truth!.image];
  if (!found || !size) return { task, value: 0, parsed: false };
  const given = found.slice(1, 5).map((digits) => Number(digits) / 1000) as unknown as Corners;
  return { task, value: sidedIou(fractionsOf(truth!.corners, space, size), given, 1e-6), parsed: true };
}

const figures: Benchmark['figures'] = (scored) =>
  countFigures(scored, boxCounts([0.3, 0.5, 0.7]), { key: 'acc@0.5', of: 'micro' });

/** What the four descriptors have in common. */
export const ZERO_SHOT = {
  protocol: {
    pictures: { maxPixels: 640_000 },
    answerTokens: 256,
    source: 'AMAP-ML/UniVG-R1 @ 44868ea, eval/zero_shot; greedy; the published figure is Acc@0.5',
  },
  questions: null,
  strict: 'box',
  score,
  figures,
} as const satisfies Partial<Benchmark>;

const SOURCE = 'UniVG-R1 (arXiv 2505.14231), zero-shot table, read from figs/result2.png of AMAP-ML/UniVG-R1';

/** Rows of the table by column. */
export const zeroShotPublished = (
  columns: Readonly<Record<string, readonly [qwen: number, migician: number, univg: number]>>,
): readonly PublishedRow[] =>
  ['Qwen2-VL-7B', 'Migician', 'UniVG-R1'].map((model, i) => ({
    model,
    figures: Object.fromEntries(Object.entries(columns).map(([name, row]) => [name, row[i]!])),
    source: SOURCE,
    samePrompt: model === 'UniVG-R1',
    sameRule: model === 'UniVG-R1',
    ...(model === 'UniVG-R1' ? {} : { note: 'The prompt of this row is not published.' }),
  }));
