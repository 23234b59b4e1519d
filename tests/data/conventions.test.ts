import { describe, expect, test } from 'vitest';
import { decide as decideConvention } from '../../src/data/conventions.ts';
import { Evidence } from '../../src/data/evidence.ts';
import type { BoxLayout } from '../../src/data/dataset-ref.ts';
import { QWEN_RESIZE, resized } from '../../src/data/reading.ts';
import { Random } from '../../src/base/random.ts';
import type { Size } from '../../src/grounding/box.ts';
import { allRows, llava, open, pngHeader, read } from './make-dataset.ts';

type CoordinateSpace = 'fraction' | 'percent' | 'thousand' | 'natural' | 'model';
type Numbers = readonly [number, number, number, number];

/** Boxes all over a picture, as fractions. */
function boxes(n: number, within = 1): Numbers[] {
  const random = new Random(5);
  const at = () => random.below(1000) / 1000;
  return Array.from({ length: n }, () => {
    const [w, h] = [0.05 + at() * 0.24, 0.05 + at() * 0.24];
    const [x, y] = [at() * (1 - w), at() * (1 - h)];
    return [x, y, x + w, y + h].map((v) => v * within) as unknown as Numbers;
  });
}

function written([x1, y1, x2, y2]: Numbers, space: CoordinateSpace, layout: BoxLayout, natural: Size): number[] {
  const whole = {
    fraction: { width: 1, height: 1 },
    percent: { width: 100, height: 100 },
    thousand: { width: 1000, height: 1000 },
    natural,
    model: resized(natural, QWEN_RESIZE)!,
  }[space];
  const round = (v: number) =>
    space === 'fraction' ? Math.round(v * 1e4) / 1e4 : space === 'percent' ? Math.round(v * 100) / 100 : Math.round(v);
  const [a, b, c, d] = [x1 * whole.width, y1 * whole.height, x2 * whole.width, y2 * whole.height].map(round) as [
    number,
    number,
    number,
    number,
  ];
  const [w, h] = [round(c - a), round(d - b)];
  return layout === 'xyxy' ? [a, b, c, d] : layout === 'xywh' ? [a, b, w, h] : [(a + c) / 2, (b + d) / 2, w, h];
}

/** What is decided about these lists of four, each the answer to a picture of that size. */
async function decide(numbers: readonly (readonly number[])[], natural: Size) {
  const dataset = await open({
    'p/p.png': pngHeader(natural.width, natural.height),
    'train.json': numbers.map((four, i) =>
      llava(`<image>Where is ${i}?`, JSON.stringify(four), 1, { images: ['p/p.png'] }),
    ),
  });
  return { dataset, found: dataset.report.conventions[0]! };
}

/** What is decided about boxes of pictures of several sizes. */
const decided = (
  boxes: readonly (readonly [numbers: readonly number[], shown: Size])[],
  { way = 'list', tokens = false }: { way?: 'list' | 'pairs'; tokens?: boolean } = {},
) => {
  const evidence = new Evidence(way);
  for (const [numbers, shown] of boxes)
    evidence.add(numbers as unknown as Numbers, tokens, { shown, orientation: 1, listed: null });
  return decideConvention(evidence);
};

describe('nothing is certain without evidence', () => {
  const small = { width: 640, height: 480 };
  const at = (list: readonly Numbers[], shown: Size, factor = 1) =>
    list.map((box): [number[], Size] => [
      written(box, 'natural', 'xyxy', { width: shown.width * factor, height: shown.height * factor }),
      shown,
    ]);

  test('box tokens say nothing about the space: pixels between them are asked about', () => {
    expect(decided(at(boxes(30), small), { way: 'pairs', tokens: true })).toMatchObject({
      space: 'natural',
      ambiguous: true,
    });
  });

  test('a few boxes between tokens are too few', () => {
    const thousand = boxes(3).map((box): [number[], Size] => [written(box, 'thousand', 'xyxy', small), small]);
    expect(decided(thousand, { way: 'pairs', tokens: true })).toMatchObject({ space: 'thousand', ambiguous: true });
  });

  test.each([
    [12, 0.49],
    [40, 0.82],
    [200, 0.9],
  ])('%i boxes that stop at %f of their pictures are asked about, though they go beyond 1000', (n, reach) => {
    const found = decided(at(boxes(n), { width: 3000, height: 2000 }, reach));
    expect(found.ambiguous).toBe(true);
    expect(found.candidates.some(({ space, fits }) => space === 'model' && fits === 1)).toBe(true);
  });

  test('one small picture does not hide forty that were shrunk by a limit; the limit of Qwen’s converter is proposed', () => {
    const limit = { kind: 'budget', factor: 28, minPixels: 56 * 56, maxPixels: 1_003_520 } as const;
    const sizes = [
      { width: 960, height: 540 },
      { width: 1920, height: 1080 },
      { width: 2560, height: 1440 },
    ];
    const found = decided(
      boxes(60).map((box, i) => {
        const shown = sizes[i % 3]!;
        return [written(box, 'natural', 'xyxy', resized(shown, limit)!), shown];
      }),
    );
    expect(found).toMatchObject({ space: 'model', layout: 'xyxy', resize: limit, ambiguous: true });
  });

  test('boxes that leave the picture files by a few pixels, and fit multiples of 28, are asked about', () => {
    const shown = { width: 1916, height: 1110 };
    const limit = { kind: 'budget', factor: 28, minPixels: 28 * 28 } as const;
    const model = resized(shown, limit)!;
    expect(model.height).toBeGreaterThan(shown.height);
    const list = boxes(40).map((box): [number[], Size] => [written(box, 'natural', 'xyxy', model), shown]);
    list.push([[100, model.height - 60, 200, model.height], shown]);
    expect(decided(list)).toMatchObject({ space: 'model', ambiguous: true });
  });

  test('numbers beyond 1000 rule out thousandths and no resize', () => {
    const found = decided(at(boxes(60), { width: 4000, height: 3000 }, 0.5));
    expect(found).toMatchObject({ space: 'model', ambiguous: true });
  });

  test.each<[CoordinateSpace, BoxLayout]>([
    ['fraction', 'cxcywh'],
    ['natural', 'cxcywh'],
    ['percent', 'xyxy'],
    ['percent', 'xywh'],
  ])('%s as %s is found by what fits', (space, layout) => {
    const list = boxes(60).map((box): [number[], Size] => [written(box, space, layout, small), small]);
    expect(decided(list)).toMatchObject({ space, layout, ambiguous: false });
  });

  test('of two readings never the one that fits worse is chosen', () => {
    for (let seed = 0; seed < 30; seed++) {
      const random = new Random(seed);
      const shown = { width: 300 + random.below(1500), height: 300 + random.below(1500) };
      const list = Array.from({ length: 5 + random.below(60) }, (): [number[], Size] => {
        const [x, y] = [random.below(1200), random.below(1200)];
        return [[x, y, x + 1 + random.below(400), y + 1 + random.below(400)], shown];
      });
      const found = decided(list);
      const chosen = found.candidates.find(
        (each) => each.space === found.space && each.layout === found.layout && each.resize === found.resize,
      )!;
      const best = Math.max(...found.candidates.map(({ fits }) => fits ?? 0));
      expect(chosen.fits!).toBeGreaterThanOrEqual(best - 0.02);
      if (chosen.fits! < 0.98) expect(found.ambiguous).toBe(true);
    }
  });
});

describe('with enough boxes', () => {
  const small = { width: 640, height: 480 };
  const large = { width: 4000, height: 3000 };
  test.each<[CoordinateSpace, BoxLayout, Size]>([
    ['fraction', 'xyxy', small],
    ['fraction', 'xywh', small],
    ['thousand', 'xyxy', small],
    ['thousand', 'xywh', small],
    ['natural', 'xyxy', small],
    ['natural', 'xywh', small],
    ['natural', 'xyxy', large],
    ['natural', 'xywh', large],
  ])('%s as %s on %o is certain, and every box is read as it was meant', async (space, layout, natural) => {
    const meant = boxes(60);
    const { dataset, found } = await decide(
      meant.map((box) => written(box, space, layout, natural)),
      natural,
    );
    expect(found).toMatchObject({ space, layout, ambiguous: false, boxes: 60 });
    expect(dataset.report.questions).toEqual([]);
    const rows = (await allRows(dataset)).sort((a, b) => a.source.line - b.source.line);
    expect(rows).toHaveLength(60);
    rows.forEach(({ solution }, i) =>
      solution[0]!.box.forEach((v, k) => expect(Math.abs(v - meant[i]![k]!)).toBeLessThan(0.004)),
    );
  });

  test('pixels after resizing are offered where the picture file is too small for them, and asked about', async () => {
    const natural = { width: 20, height: 24 }; // Qwen2.5-VL makes at least 56 × 56 pixels of it
    const { found } = await decide(
      boxes(60).map((box) => written(box, 'model', 'xyxy', natural)),
      natural,
    );
    expect(resized(natural, QWEN_RESIZE)!.width).toBeGreaterThan(natural.width);
    expect(found).toMatchObject({ space: 'model', layout: 'xyxy', ambiguous: true });
  });

  test('pixels of smaller copies lie in one corner of their pictures: it is asked', async () => {
    const { found } = await decide(
      boxes(60, 0.5).map((box) => written(box, 'natural', 'xyxy', { width: 4000, height: 3000 })),
      { width: 4000, height: 3000 },
    );
    expect(found).toMatchObject({ space: 'model', layout: 'xyxy', ambiguous: true });
    expect(found.reason).toContain('after a resize');
  });

  test('some inverted boxes among many are no proof of widths and heights: it is asked', async () => {
    const good = boxes(40).map((box) => written(box, 'natural', 'xyxy', small));
    const { found } = await decide([...good, [300, 200, 30, 40], [310, 220, 30, 40]], small);
    expect(found).toMatchObject({ layout: 'xyxy', ambiguous: true });
    expect(found.reason).toContain('4 % of 42 would still lie outside');
  });

  test('one inverted box among hundreds changes nothing, and is reported', async () => {
    const good = boxes(120).map((box) => written(box, 'natural', 'xyxy', small));
    const { dataset, found } = await decide([...good, [300, 200, 30, 40]], small);
    expect(found).toMatchObject({ space: 'natural', layout: 'xyxy', ambiguous: false });
    expect(dataset.report.issues).toMatchObject([
      { line: 121, field: 'conversations[1].value', reason: '[300, 200, 30, 40] is inverted' },
    ]);
  });
});

test('a handful of bare numbers is a question, and the answer settles it', async () => {
  const { dataset } = await decide([[20, 10, 100, 50]], { width: 200, height: 100 });
  expect(dataset.report.questions).toMatchObject([{ kind: 'convention', file: 'train.json', way: 'list' }]);
  const settled = await dataset.reread(read('train.json', 'list', 'natural', 'xywh'), { tell: () => undefined });
  expect(settled.report.questions).toEqual([]);
  expect((await allRows(settled))[0]!.solution[0]!.box).toEqual([0.1, 0.1, 0.6, 0.6]);
});

test('every candidate is told with the share of boxes it keeps inside', async () => {
  const { found } = await decide([[20, 10, 150, 90]], { width: 200, height: 100 });
  const share = (space: CoordinateSpace, layout: BoxLayout) =>
    found.candidates.find((each) => each.space === space && each.layout === layout)!.fits;
  expect(new Set(found.candidates.map((each) => each.space))).toEqual(
    new Set(['natural', 'model', 'thousand', 'fraction', 'percent']),
  );
  expect([
    share('natural', 'xyxy'),
    share('natural', 'xywh'),
    share('thousand', 'xyxy'),
    share('fraction', 'xyxy'),
  ]).toEqual([1, 1, 1, 0]);
});

test('few boxes that stop short of the edges in their own way are asked about, and pixels are the first guess', async () => {
  const natural = { width: 640, height: 480 };
  const central = Array.from({ length: 14 }, (_, i) => [12 + 19 * i, 22 + 2 * i, 290 + 15 * i, 398]);
  const { found } = await decide(central, natural);
  expect(found).toMatchObject({ space: 'natural', layout: 'xyxy', ambiguous: true });
  // A limit that fits them is still offered.
  expect(found.candidates.some(({ space, resize }) => space === 'model' && resize?.kind === 'budget')).toBe(true);
});

test('boxes all over shrunk copies are guessed to be pixels of those', async () => {
  const shown = { width: 1316, height: 980 };
  const { found } = await decide(
    boxes(60).map((box) => written(box, 'natural', 'xyxy', shown)),
    { width: 1600, height: 1200 },
  );
  expect(found).toMatchObject({ space: 'model', ambiguous: true });
  expect(found.resize).toMatchObject({ kind: 'budget' });
});

test('where no picture could be measured, that is what a question says', () => {
  const evidence = new Evidence('list');
  for (let i = 0; i < 30; i++) evidence.add([10 + i, 20, 40 + i, 60], false, null);
  expect(decideConvention(evidence)).toMatchObject({ ambiguous: true, reason: 'no picture could be measured' });
});
