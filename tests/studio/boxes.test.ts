import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layoutLabels, overlap, place, SMALL, type Labelled } from '../../src/studio/boxes/layout.ts';

const label = { width: 60, height: 15 };
const [WIDTH, HEIGHT] = [400, 300];

const item = fc
  .record({
    x: fc.integer({ min: 0, max: 380 }),
    y: fc.integer({ min: 0, max: 280 }),
    width: fc.integer({ min: 2, max: 300 }),
    height: fc.integer({ min: 2, max: 250 }),
  })
  .map(({ x, y, width, height }): Labelled => ({
    box: { x, y, width: Math.min(width, WIDTH - x), height: Math.min(height, HEIGHT - y) },
    label,
  }));

describe('labels of boxes', () => {
  it('never cover a small box or each other, and never leave the picture', () => {
    fc.assert(
      fc.property(fc.array(item, { maxLength: 8 }), (items) => {
        const labels = layoutLabels(items, WIDTH, HEIGHT);
        const small = items.filter(({ box }) => box.width * box.height < SMALL * label.width * label.height);
        labels.forEach((at, i) => {
          if (!at) return;
          expect(at.x >= 0 && at.y >= 0 && at.x + at.width <= WIDTH && at.y + at.height <= HEIGHT).toBe(true);
          for (const { box } of small) expect(overlap(at, box)).toBe(0);
          labels.forEach((other, j) => other && i !== j && expect(overlap(at, other)).toBe(0));
        });
      }),
    );
  });

  it('stand above a box with room, below one at the top', () => {
    const box = { x: 100, y: 100, width: 30, height: 30 };
    expect(layoutLabels([{ box, label }], WIDTH, HEIGHT)[0]).toMatchObject({ x: 100, y: 83 });
    expect(layoutLabels([{ box: { ...box, y: 0 }, label }], WIDTH, HEIGHT)[0]).toMatchObject({ x: 100, y: 32 });
  });

  it('go into a corner of a box that fills the picture', () => {
    expect(
      layoutLabels([{ box: { x: 0, y: 0, width: WIDTH, height: HEIGHT }, label }], WIDTH, HEIGHT)[0],
    ).toMatchObject({ x: 0, y: 0 });
  });

  it('are left out where they would hide what they name', () => {
    expect(layoutLabels([{ box: { x: 0, y: 0, width: 50, height: 14 }, label }], 50, 14)).toEqual([null]);
  });
});

describe('a fraction box on a drawn picture', () => {
  it('is put in order and kept on the picture', () => {
    expect(place([0.75, 0.5, 0.25, 1.5], 200, 100)).toEqual({ x: 50, y: 50, width: 100, height: 50 });
    expect(place([NaN, 0, 1, 1], 100, 100)).toEqual({ x: 0, y: 0, width: 0, height: 100 });
  });
});
