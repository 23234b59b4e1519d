/** Scores equal to those of the published scripts themselves (tools/reference/benchmark_scores.py ran them). */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { FileOfBenchmark } from '../../src/benchmarks/file-of-benchmark.ts';
import {
  BENCHMARKS,
  type BenchmarkName,
  type BenchmarkRow,
  type Scored,
  type Written,
} from '../../src/benchmarks/index.ts';
import { pythonSetOrder } from '../../src/benchmarks/python-set.ts';

type Row = Record<string, unknown>;
interface Texts {
  readonly rows: readonly Row[];
  readonly texts: readonly string[];
  readonly size?: readonly [number, number];
  readonly scores: readonly (readonly number[])[];
  readonly judge?: readonly (readonly boolean[])[];
  readonly centre?: readonly (readonly boolean[])[];
}
const golden = JSON.parse(readFileSync('tests/golden/benchmark-scores.json', 'utf8')) as Record<string, unknown>;

const place = { file: 'val.json', line: 1, picturesIn: () => [] };
function question(name: BenchmarkName, value: Row): BenchmarkRow {
  const row = BENCHMARKS[name].read!(value, place);
  expect(row, `${name} reads ${JSON.stringify(value)}`).toBeTypeOf('object');
  // The picture of MIG-Bench's box is found from the words, by data.
  const read = row as BenchmarkRow;
  return { ...read, boxes: read.boxes.map((box) => ({ ...box, image: Math.max(0, box.image) })) };
}
const written = (text: string, [width, height]: readonly [number, number]): Written => ({
  text,
  boxes: [],
  sizes: [
    { width, height },
    { width, height },
  ],
});

describe.each([
  'migBench',
  'migBenchRevised',
  'lisa',
  'blink',
  'mmiu',
  'refCoco',
  'refCocoTsv',
  'groundingMe',
] as const)('%s', (name) => {
  const { rows, texts, size = [640, 480], scores, judge, centre } = golden[name] as Texts;

  test('its rows are known by their keys, and are no other benchmark’s', () => {
    const file = new FileOfBenchmark('rows.json');
    for (const row of rows) file.add(row);
    for (const row of rows) expect(file.rowOf(row)).toMatchObject({ name, bare: false });
  });

  test('every answer scores as the published script scores it', () => {
    rows.forEach((value, r) => {
      const row = question(name, value);
      texts.forEach((text, t) => {
        const scored = BENCHMARKS[name].score(row.task, row, written(text, size));
        expect(scored.value, `row ${r}, “${text}”`).toBeCloseTo(scores[r]![t]!, 9);
        if (judge) expect(scored.judge === true, `judge of “${text}”`).toBe(judge[r]![t]);
        if (centre) expect(scored.centre, `centre of “${text}”`).toBe(centre[r]![t]);
      });
    });
  });
});

test('ODinW’s mAP is pycocotools’, with the script’s own reading of boxes', () => {
  const { rows, texts, size, figures } = golden.odinw as Texts & { readonly figures: Record<string, number> };
  const scored = rows.map((value, i) => {
    const row = question('odinw', value);
    return BENCHMARKS.odinw.score(row.task, row, written(texts[i]!, size!));
  });
  const found = BENCHMARKS.odinw.figures(scored, true);
  for (const [key, value] of Object.entries(figures))
    expect(found.macro.find((figure) => figure.key === key)?.value, key).toBeCloseTo(value, 9);
  expect(figures.map).toBeGreaterThan(0.1);
});

test('Ref-L4’s figures are those of its evaluator: by threshold, size and class', () => {
  const { rows, given, figures } = golden.refL4 as {
    readonly rows: readonly Row[];
    readonly given: readonly (readonly number[])[];
    readonly figures: Record<string, number>;
  };
  const scored = rows.map((value, i): Scored => {
    const row = question('refL4', value);
    const [x1, y1, x2, y2] = given[i] as [number, number, number, number];
    const box = [x1 / 640, y1 / 480, x2 / 640, y2 / 480] as const;
    return BENCHMARKS.refL4.score(row.task, row, { ...written('', [640, 480]), boxes: [{ image: 0, box }] });
  });
  const found = BENCHMARKS.refL4.figures(scored, true);
  const keys: Record<string, string> = {
    'acc@0.5': 'Ann-level acc iou 0.5',
    'acc@0.75': 'Ann-level acc iou 0.75',
    'acc@0.9': 'Ann-level acc iou 0.9',
    macc: 'Ann-level macc iou 0.5:0.95',
    'small-acc@0.5': 'Small acc iou 0.5',
    'small-macc': 'Small macc iou 0.5:0.95',
    'medium-acc@0.5': 'Medium acc iou 0.5',
    'medium-macc': 'Medium macc iou 0.5:0.95',
    'large-acc@0.5': 'Large acc iou 0.5',
    'large-macc': 'Large macc iou 0.5:0.95',
    'class-acc@0.5': 'Average class-level acc iou 0.5',
    'class-macc': 'Average class-level macc iou 0.5:0.95',
  };
  const all = [...found.micro, ...found.others];
  for (const [ours, theirs] of Object.entries(keys))
    expect(100 * all.find(({ key }) => key === ours)!.value, ours).toBeCloseTo(figures[theirs]!, 4);
});

interface CocoSet {
  readonly truth: {
    readonly images: readonly { readonly id: number }[];
    readonly descriptions: readonly {
      readonly id: number;
      readonly images_id: readonly number[];
      text_style: string;
    }[];
    readonly annotations: readonly { image_id: number; category_id: number; bbox: [number, number, number, number] }[];
  };
  readonly results: readonly { image_id: number; category_id: number; bbox: [number, number, number, number] }[];
  readonly figures: Record<string, number>;
}

test.each((golden.mcBench as { readonly sets: readonly CocoSet[] }).sets.map((set, i) => [i + 1, set] as const))(
  'MC-Bench’s instance and image metrics are those of its script on pycocotools, set %i',
  (_, { truth, results, figures }) => {
    const corners = ([x, y, w, h]: readonly [number, number, number, number]) => [x, y, x + w, y + h] as const;
    const scored = truth.descriptions.map(({ images_id: ids, text_style: task }) => {
      const boxes = truth.annotations
        .filter(({ image_id }) => ids.includes(image_id))
        .map((a) => ({ corners: corners(a.bbox), image: ids.indexOf(a.image_id), label: `group ${a.category_id}` }));
      const given = results
        .filter(({ image_id }) => ids.includes(image_id))
        .map(({ image_id, category_id, bbox }) => {
          const [x1, y1, x2, y2] = corners(bbox);
          return {
            image: ids.indexOf(image_id),
            box: [x1 / 200, y1 / 100, x2 / 200, y2 / 100] as const,
            label: `group ${category_id}`,
          };
        });
      const row = { benchmark: 'mcBench', prompt: '', boxes, space: 'natural', imageIds: ids } as const;
      return BENCHMARKS.mcBench.score(task, row, { ...written('', [200, 100]), boxes: given });
    });
    const found = BENCHMARKS.mcBench.figures(scored, true);
    expect(found.main.value).toBeCloseTo(figures.ap50!, 9);
    expect(found.micro.find(({ key }) => key === 'image-accuracy')!.value).toBeCloseTo(figures['image-accuracy']!, 12);
    // Renaming every pair can only help where the script renames one.
    expect(BENCHMARKS.mcBench.figures(scored, false).main.value).toBeGreaterThanOrEqual(found.main.value - 1e-12);
  },
);

test('sets of whole numbers are gone through as Python goes through them', () => {
  const { lists, orders } = golden.sets as { readonly lists: number[][]; readonly orders: number[][] };
  lists.forEach((values, i) => expect(pythonSetOrder(values)).toEqual(orders[i]));
});
