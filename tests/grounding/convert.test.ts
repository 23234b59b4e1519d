import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { box01, iou, type Box01 } from '../../src/grounding/box.ts';
import {
  asModel,
  asThousand,
  clampBox01,
  fromModel,
  fromThousand,
  toModel,
  toThousand,
} from '../../src/grounding/convert.ts';
import { roundHalfEven } from '../../src/grounding/round.ts';

const fraction = fc.double({ min: 0, max: 1, noNaN: true });
const box = fc.tuple(fraction, fraction, fraction, fraction).map((q) => box01(...q));
const size = fc.record({ width: fc.integer({ min: 1, max: 4000 }), height: fc.integer({ min: 1, max: 4000 }) });
const distance = (a: Box01, b: Box01) => Math.max(...a.map((v, i) => Math.abs(v - b[i]!)));

test('halves round to the even neighbour, as in Python', () => {
  expect([0.5, 1.5, 2.5, -0.5, -1.5, 2.4, 2.6, -2.6, 7].map(roundHalfEven)).toEqual([0, 2, 2, 0, -2, 2, 3, -3, 7]);
});

describe('inverses', () => {
  test('every whole model pixel and thousandth survives reading and writing', () => {
    fc.assert(
      fc.property(size, fc.tuple(fraction, fraction, fraction, fraction), (s, f) => {
        const at = (v: number, n: number) => Math.floor(v * n * 0.999999);
        const model = asModel([at(f[0], s.width), at(f[1], s.height), at(f[2], s.width), at(f[3], s.height)]);
        expect(toModel(fromModel(model, s), s)).toEqual(model);
        const thousand = asThousand([at(f[0], 1001), at(f[1], 1001), at(f[2], 1001), at(f[3], 1001)]);
        expect(toThousand(fromThousand(thousand))).toEqual(thousand);
      }),
    );
  });

  test('writing moves a corner by at most half a step, one step at the far edge', () => {
    fc.assert(
      fc.property(box, size, (b, s) => {
        expect(distance(fromThousand(toThousand(b)), b)).toBeLessThanOrEqual(0.0005 + 1e-12);
        const back = fromModel(toModel(b, s), s);
        expect(Math.max(Math.abs(back[0] - b[0]), Math.abs(back[2] - b[2]))).toBeLessThanOrEqual(1 / s.width + 1e-12);
      }),
    );
  });
});

test('the far edge is clamped to the last pixel, as the families were trained', () => {
  expect(toModel(box01(0, 0, 1, 1), { width: 644, height: 476 })).toEqual([0, 0, 643, 475]);
  expect(toThousand(box01(-0.1, 0, 1.2, 1))).toEqual([0, 0, 1000, 1000]);
  expect(clampBox01(box01(-1, 0.5, 2, 0.7))).toEqual([0, 0.5, 1, 0.7]);
});

test('IoU does not change with the space', () => {
  fc.assert(
    fc.property(box, box, size, (a, b, s) => {
      const natural = (q: Box01) => box01(q[0] * s.width, q[1] * s.height, q[2] * s.width, q[3] * s.height);
      expect(iou(natural(a), natural(b))).toBeCloseTo(iou(a, b), 9);
    }),
  );
});
