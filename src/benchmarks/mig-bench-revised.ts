/**
 * UniVG-R1's revision of MIG-Bench (GD-ML/UniVG-R1-data, `revised_MIG_bench.json`): the same keys, boxes in thousandths.
 *
 * As published is `eval/MIG_bench` of AMAP-ML/UniVG-R1 @ 44868ea, for its own model. Quirks kept: Migician's patterns in
 * their order; of several matches the last is dropped and the first taken; decimals cannot be read; thousandths are
 * compared as they are.
 */
import type { Benchmark, Corners, Fields } from './benchmark.ts';
import { boxCounts, countFigures } from './figures.ts';
import { MIG_MARKS, migAnswer, migMatches, migQuestion, migSign } from './mig-bench.ts';
import { MIG_PUBLISHED } from './mig-published.ts';
import { migicianIou } from './plain-iou.ts';
import { oneBox } from './read.ts';

const SUFFIX =
  ' First output the thinking process in <think> </think> tags and then output the bounding box in <answer> </answer> tags.';

const inThousandths = (value: Fields): boolean => {
  const corners = migAnswer(value);
  return (
    corners !== null && corners.every((n) => Number.isInteger(n) && n >= 0 && n <= 1000) && Math.max(...corners) > 1
  );
};

function revisedBox(text: string): Corners | null {
  const [first] = migMatches(text);
  return first?.every((digits) => /^\d+$/.test(digits)) ? (first.map(Number) as unknown as Corners) : null;
}

export const migBenchRevised = {
  name: 'migBenchRevised',
  title: 'MIG-Bench, revised by UniVG-R1',
  files: 'revised_MIG_bench.json of GD-ML/UniVG-R1-data with the pictures of MIG-Bench',
  marks: { ...MIG_MARKS, file: /revised[-_]?mig[-_]?bench/i, sign: migSign, fits: inThousandths },
  read: (value) => {
    const corners = migAnswer(value);
    if (!corners) return 'it is not a question of MIG-Bench with an answer of four numbers';
    const row = { ...migQuestion(value), benchmark: 'migBenchRevised' };
    return oneBox({ ...row, prompt: row.question + SUFFIX, corners, image: -1, space: 'thousand' });
  },
  protocol: {
    pictures: { minPixels: 3136, maxPixels: 401408 },
    answerTokens: 256,
    source: 'AMAP-ML/UniVG-R1 @ 44868ea, eval/MIG_bench/MIG_bench_eval.py and utils.py; greedy',
  },
  // How many questions the revision kept is not known.
  questions: null,
  strict: 'box',
  score: (task, { boxes: [truth] }, { text }) => {
    const box = revisedBox(text);
    return { task, value: box ? migicianIou(truth!.corners, box) : 0, parsed: box !== null };
  },
  figures: (scored) => countFigures(scored, boxCounts([0.3, 0.5, 0.7]), { key: 'acc@0.5', of: 'macro' }),
  published: MIG_PUBLISHED.map((row) => ({
    ...row,
    samePrompt: row.script === 'univg',
    sameRule: row.script === 'univg',
  })),
} as const satisfies Benchmark;
