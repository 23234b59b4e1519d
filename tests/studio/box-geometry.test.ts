import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { box01 } from '../../src/grounding/box.ts';
import { asNatural } from '../../src/grounding/convert.ts';
import {
  centred,
  dragged,
  drawn,
  fitted,
  GRIPS,
  inSight,
  nudged,
  toFractions,
  toPicture,
  withNumber,
  zoomed,
} from '../../src/studio/edit/box-geometry.ts';

const size = { width: 200, height: 100 };
const box = asNatural([20, 10, 60, 50]);
const key = (name: string, held: Partial<Record<'shiftKey' | 'ctrlKey' | 'metaKey' | 'altKey', true>> = {}) => ({
  key: name,
  shiftKey: false,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  ...held,
});

describe('a box that is dragged', () => {
  it('moves by whole pixels and stops at the edges of its picture', () => {
    expect(dragged(box, 'move', 3.4, -2.6, size)).toEqual([23, 7, 63, 47]);
    expect(dragged(box, 'move', 500, -500, size)).toEqual([160, 0, 200, 40]);
  });
  it('keeps the numbers of the sides that are not held', () => {
    const odd = asNatural([20.25, 10.75, 60.5, 50.125]);
    expect(dragged(odd, 'e', 5.2, 99, size)).toEqual([20.25, 10.75, 66, 50.125]);
    expect(dragged(odd, 'nw', -1, 0, size)).toEqual([19, 10.75, 60.5, 50.125]);
    expect(dragged(odd, 'move', 1, 0, size)).toEqual([21.25, 10.75, 61.5, 50.125]);
  });
  it('never leaves its picture nor is thinner than a pixel, however it is dragged', () => {
    const inside = fc
      .tuple(
        fc.double({ min: 0, max: 150, noNaN: true }),
        fc.double({ min: 0, max: 50, noNaN: true }),
        fc.double({ min: 1, max: 50, noNaN: true }),
        fc.double({ min: 1, max: 50, noNaN: true }),
      )
      .map(([x, y, w, h]) => asNatural([x, y, x + w, y + h]));
    const far = fc.double({ min: -500, max: 500, noNaN: true });
    fc.assert(
      fc.property(inside, fc.constantFrom('move' as const, ...GRIPS), far, far, (from, grip, dx, dy) => {
        const [x1, y1, x2, y2] = dragged(from, grip, dx, dy, size);
        expect(Math.min(x1, y1)).toBeGreaterThanOrEqual(0);
        expect(x2).toBeLessThanOrEqual(200 + 1e-9);
        expect(y2).toBeLessThanOrEqual(100 + 1e-9);
        expect(Math.min(x2 - x1, y2 - y1)).toBeGreaterThanOrEqual(1 - 1e-9);
      }),
    );
  });
});

it('a box is drawn from any corner, cut at the edges; a click draws none', () => {
  expect(drawn([60.4, 50], [19.6, 9.7], size)).toEqual([20, 10, 60, 50]);
  expect(drawn([150, 50], [900, -4], size)).toEqual([150, 0, 200, 50]);
  expect(drawn([10, 10], [11, 40], size)).toBeNull();
});

it('arrow keys move a box by a pixel, with Shift by ten, with Ctrl and Alt a corner of it', () => {
  expect(nudged(box, key('ArrowRight'), size)).toEqual([21, 10, 61, 50]);
  expect(nudged(box, key('ArrowUp', { shiftKey: true }), size)).toEqual([20, 0, 60, 40]);
  expect(nudged(box, key('ArrowDown', { ctrlKey: true }), size)).toEqual([20, 10, 60, 51]);
  expect(nudged(box, key('ArrowLeft', { altKey: true, shiftKey: true }), size)).toEqual([10, 10, 60, 50]);
  expect(nudged(box, key('a'), size)).toBeNull();
});

it('a number set by hand keeps the box a box', () => {
  expect(withNumber(box, 0, 30.5, size)).toEqual([30.5, 10, 60, 50]);
  expect(withNumber(box, 0, 99, size)).toEqual([59, 10, 60, 50]);
  expect(withNumber(box, 3, 999, size)).toEqual([20, 10, 60, 100]);
  expect(withNumber(box, 2, -5, size)).toEqual([20, 10, 21, 50]);
});

it('a new box lies in the middle of what is in sight', () => {
  expect(centred({ x: 0, y: 0, width: 200, height: 100 }, size)).toEqual([75, 38, 125, 63]);
  const tiny = centred({ x: 0, y: 0, width: 3, height: 2 }, { width: 3, height: 2 });
  expect(tiny[2]).toBeLessThanOrEqual(3);
  expect(tiny[2] - tiny[0]).toBeGreaterThanOrEqual(1);
});

it('sides that were not moved keep their fractions to the last bit', () => {
  const before = box01(0.1, 0.123456789, 0.3, 0.7);
  const pixels = asNatural([0.1 * 200, 0.123456789 * 100, 80, 0.7 * 100]);
  expect(toFractions(pixels, before, size)).toEqual([0.1, 0.123456789, 0.4, 0.7]);
});

it('zooming keeps the point under the pointer, and the whole picture fits to begin with', () => {
  const stage = { width: 400, height: 400 };
  const whole = fitted(size, stage);
  expect(whole).toEqual({ scale: 2, x: 0, y: 100 });
  const near = zoomed(whole, 3, [100, 150], size, stage);
  expect(toPicture(near, [100, 150])).toEqual(toPicture(whole, [100, 150]));
  expect(near.scale).toBe(6);
  expect(zoomed(near, 1e9, [0, 0], size, stage).scale).toBe(32);
  expect(inSight(whole, size, stage)).toEqual({ x: 0, y: 0, width: 200, height: 100 });
});
