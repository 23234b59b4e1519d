import { describe, expect, test } from 'vitest';
import type { BoxLayout, CoordinateSpace } from '../../src/data/dataset-ref.ts';
import { resizedSize } from '../../src/data/conventions.ts';
import { Random } from '../../src/base/random.ts';
import type { Size } from '../../src/grounding/box.ts';
import { allRows, llava, open, pngHeader } from './make-dataset.ts';

type Numbers = readonly [number, number, number, number];

/** Boxes all over a picture, as fractions. */
function boxes(n: number, within = 1): Numbers[] {
  const random = new Random(5);
  const at = () => random.below(1000) / 1000;
  return Array.from({ length: n }, () => {
    const [x, y] = [at() * 0.7, at() * 0.7];
    return [x, y, x + 0.05 + at() * 0.24, y + 0.05 + at() * 0.24].map((v) => v * within) as unknown as Numbers;
  });
}

function written([x1, y1, x2, y2]: Numbers, space: CoordinateSpace, layout: BoxLayout, natural: Size): number[] {
  const whole = {
    fraction: { width: 1, height: 1 },
    thousand: { width: 1000, height: 1000 },
    natural,
    model: resizedSize(natural)!,
  }[space];
  const round = (v: number) => (space === 'fraction' ? Math.round(v * 1e4) / 1e4 : Math.round(v));
  const [a, b, c, d] = [x1 * whole.width, y1 * whole.height, x2 * whole.width, y2 * whole.height].map(round) as [
    number,
    number,
    number,
    number,
  ];
  return layout === 'xyxy' ? [a, b, c, d] : [a, b, round(c - a), round(d - b)];
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
    expect(resizedSize(natural)!.width).toBeGreaterThan(natural.width);
    expect(found).toMatchObject({ space: 'model', layout: 'xyxy', ambiguous: true });
  });

  test('pixels of smaller copies lie in one corner of their pictures: it is asked', async () => {
    const { found } = await decide(
      boxes(60, 0.5).map((box) => written(box, 'natural', 'xyxy', { width: 4000, height: 3000 })),
      { width: 4000, height: 3000 },
    );
    expect(found).toMatchObject({ ambiguous: true });
    expect(found.reason).toContain('smaller copies');
  });

  test('some inverted boxes among many are no proof of widths and heights: it is asked', async () => {
    const good = boxes(40).map((box) => written(box, 'natural', 'xyxy', small));
    const { found } = await decide([...good, [300, 200, 30, 40], [310, 220, 30, 40]], small);
    expect(found).toMatchObject({ layout: 'xyxy', ambiguous: true });
    expect(found.reason).toContain('2 of 42 would be inverted');
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
  const settled = await dataset.reread(
    { conventions: { list: { space: 'natural', layout: 'xywh' } } },
    { tell: () => undefined },
  );
  expect(settled.report.questions).toEqual([]);
  expect((await allRows(settled))[0]!.solution[0]!.box).toEqual([0.1, 0.1, 0.6, 0.6]);
});

test('every candidate is told with the share of boxes it keeps inside', async () => {
  const { found } = await decide([[20, 10, 150, 90]], { width: 200, height: 100 });
  const share = (space: CoordinateSpace, layout: BoxLayout) =>
    found.candidates.find((each) => each.space === space && each.layout === layout)!.fits;
  expect(found.candidates).toHaveLength(8);
  expect([
    share('natural', 'xyxy'),
    share('natural', 'xywh'),
    share('thousand', 'xyxy'),
    share('fraction', 'xyxy'),
  ]).toEqual([1, 1, 1, 0]);
});
