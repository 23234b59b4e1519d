/** One file that mixes two coordinate spaces is asked about, with how many boxes are of each. */
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/base/random.ts';
import { decide } from '../../src/data/conventions.ts';
import { Evidence } from '../../src/data/evidence.ts';
import type { Size } from '../../src/grounding/box.ts';
import { allRows, llava, open, pngHeader } from './make-dataset.ts';

type Box = readonly [number, number, number, number];

/** `n` boxes anywhere in a frame, or around a point of it. */
function boxes(n: number, frame: Size, seed: number, centre?: readonly [number, number], digits = 0): Box[] {
  const random = new Random(seed);
  const at = () => random.below(10_000) / 10_000;
  return Array.from({ length: n }, () => {
    const [w, h] = [0.04 + 0.2 * at(), 0.04 + 0.2 * at()];
    const place = (size: number, middle?: number) =>
      middle === undefined
        ? at() * (1 - size)
        : Math.min(1 - size, Math.max(0, middle - size / 2 + 0.5 * (at() + at() + at() - 1.5)));
    const [x, y] = [place(w, centre?.[0]), place(h, centre?.[1])];
    const round = (value: number) => Math.round(value * 10 ** digits) / 10 ** digits;
    return [x * frame.width, y * frame.height, (x + w) * frame.width, (y + h) * frame.height].map(
      round,
    ) as unknown as Box;
  });
}

const shown: Size = { width: 1600, height: 1200 };
const small: Size = { width: 640, height: 480 };
const thousand: Size = { width: 1000, height: 1000 };
const hundred: Size = { width: 100, height: 100 };
const unit: Size = { width: 1, height: 1 };

function decided(all: readonly Box[], picture: Size) {
  const evidence = new Evidence('list');
  for (const box of all) evidence.add(box, false, { shown: picture, orientation: 1, listed: null });
  return decide(evidence);
}
const asked = (all: readonly Box[], picture: Size) => {
  const { ambiguous, reason } = decided(all, picture);
  return ambiguous && reason.includes('mix') ? reason : null;
};

describe('a mix of two spaces is asked about', () => {
  test.each([2, 10, 40])('%i boxes of 60 are fractions, the others pixels', (n) => {
    const reason = asked([...boxes(n, unit, 1, undefined, 3), ...boxes(60 - n, shown, 2)], shown);
    expect(reason).toContain(`of 60 boxes ${n} look like fractions of the picture (0–1) and ${60 - n} like`);
  });

  test('some are fractions, the others thousandths', () => {
    expect(asked([...boxes(20, unit, 1, undefined, 3), ...boxes(20, thousand, 2)], small)).toContain('fractions');
  });

  test.each([
    ['large', shown],
    ['small', small],
    ['wide', { width: 1920, height: 700 }],
  ])('half are thousandths, half pixels of %s pictures', (_, picture) => {
    for (let seed = 0; seed < 5; seed++)
      expect(asked([...boxes(150, thousand, 10 + seed), ...boxes(150, picture, 20 + seed)], picture)).toMatch(
        /thousandths/,
      );
  });

  test.each([20, 40])('%i of each in any order over the same large pictures, mostly', (n) => {
    const large: Size = { width: 4032, height: 3024 };
    const random = new Random(n);
    const found = Array.from({ length: 20 }, (_, seed) => {
      const all = [...boxes(n, thousand, 100 + seed), ...boxes(n, large, 200 + seed)];
      for (let i = all.length - 1; i > 0; i--) {
        const j = random.below(i + 1);
        [all[i], all[j]] = [all[j]!, all[i]!];
      }
      return asked(all, large);
    });
    expect(found.filter(Boolean).length).toBeGreaterThanOrEqual(17);
  });

  test('thousandths of some pictures stand behind pixels of others, fewer than could be seen among each other', () => {
    const [before, after] = [boxes(40, thousand, 3), boxes(40, shown, 4)];
    expect(asked([...before, ...after], shown)).toMatch(/thousandths/);
    const evidence = new Evidence('list');
    for (const box of before)
      evidence.add(box, false, { shown: { width: 900, height: 700 }, orientation: 1, listed: null });
    for (const box of boxes(40, small, 4)) evidence.add(box, false, { shown: small, orientation: 1, listed: null });
    expect(decide(evidence)).toMatchObject({ ambiguous: true, reason: expect.stringContaining('mix') as string });
  });

  test('a third are percent, the others pixels', () => {
    expect(asked([...boxes(30, hundred, 1), ...boxes(60, shown, 2)], shown)).toContain('percent');
  });
});

describe('boxes of one space are not', () => {
  test.each([
    ['pixels of large pictures', shown, shown, undefined],
    ['pixels of small pictures', small, small, undefined],
    ['thousandths of large pictures', thousand, shown, undefined],
    ['thousandths of small pictures', thousand, small, undefined],
    ['thousandths about the middle', thousand, small, [0.5, 0.5]],
    ['thousandths at the top left', thousand, small, [0.35, 0.3]],
    ['pixels at the top left', shown, shown, [0.3, 0.3]],
    ['faces, in thousandths', thousand, small, [0.5, 0.3]],
    ['fractions', unit, shown, undefined],
  ] as const)('%s', (_, frame, picture, centre) => {
    for (let seed = 0; seed < 10; seed++)
      expect(asked(boxes(120, frame, seed, centre, frame === unit ? 3 : 0), picture)).toBeNull();
  });

  test('a slip among many is a row to look at, no question', () => {
    expect(asked([...boxes(1, unit, 1, undefined, 3), ...boxes(60, shown, 2)], shown)).toBeNull();
  });
});

test('fractions in a file of pixels are no boxes of less than a pixel: their rows are told', async () => {
  const rows = [...boxes(1, unit, 1, undefined, 3), ...boxes(60, shown, 2)].map((box, i) =>
    llava(`<image>Where is ${i}?`, JSON.stringify(box), 1, { images: ['p/p.png'] }),
  );
  const dataset = await open({ 'p/p.png': pngHeader(shown.width, shown.height), 'train.json': rows });
  expect(await allRows(dataset)).toHaveLength(60);
  expect(dataset.report.issues[0]).toMatchObject({
    line: 1,
    reason: expect.stringContaining('can only be fractions, and the boxes of this file are read as pixels') as string,
  });
});
