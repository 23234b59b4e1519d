import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { VisionShape } from '../../src/models/qwen2_5_vl/config.ts';
import { mropeAxes, mropePositions, visionTable } from '../../src/models/qwen/positions.ts';

import { visionBatch, windowOrder } from '../../src/models/qwen2_5_vl/vision.ts';
import { corners } from '../../src/models/qwen3_vl/vision.ts';
import { planTiles } from '../../src/models/smolvlm/tiles.ts';
import { positionBuckets } from '../../src/models/smolvlm/vision.ts';

const read = <T>(name: string) =>
  (JSON.parse(readFileSync(new URL(`../golden/${name}`, import.meta.url), 'utf8')) as { readonly cases: readonly T[] })
    .cases;

interface RopeCase {
  readonly layout: readonly (number | readonly [number, number])[];
  readonly positions: readonly (readonly number[])[];
  readonly delta: number;
}

interface WindowCase {
  readonly grids: readonly (readonly [number, number])[];
  readonly window: number;
  readonly index: readonly number[];
  readonly bounds: readonly number[];
  readonly rows: readonly number[];
  readonly columns: readonly number[];
}

const MERGE = 2;
const [IMAGE, VISION_START, VISION_END, TEXT] = [100, 101, 102, 7];

const grid = ([height, width]: readonly [number, number]) => ({ height, width });

describe('positions of the text decoder', () => {
  test.each(read<RopeCase>('rope-index.json').map((c) => ({ ...c, name: JSON.stringify(c.layout) })))(
    'around pictures are transformers’: $name',
    ({ layout, positions, delta }) => {
      const tokens = layout.flatMap((part) =>
        typeof part === 'number'
          ? new Array<number>(part).fill(TEXT)
          : [VISION_START, ...new Array<number>((part[0] * part[1]) / MERGE ** 2).fill(IMAGE), VISION_END],
      );
      const grids = layout.flatMap((part) => (typeof part === 'number' ? [] : [grid(part)]));
      const { axes, next } = mropePositions(tokens, grids, IMAGE, MERGE);
      expect([...axes]).toEqual(positions.flat());
      expect(next).toBe(tokens.length + delta);
    },
  );
});

describe('the vision tower', () => {
  const cases = read<WindowCase>('window-index.json').map((c) => ({ ...c, name: JSON.stringify(c.grids) }));
  const vision = (window: number): VisionShape => ({
    depth: 1,
    hiddenSize: 32,
    heads: 4,
    intermediateSize: 8,
    outHiddenSize: 8,
    patchSize: 14,
    temporalPatchSize: 2,
    spatialMergeSize: MERGE,
    inChannels: 3,
    windowSize: window,
    fullAttentionBlocks: [],
  });

  test.each(cases)(
    'visits windows in transformers’ order: $name, window $window',
    ({ grids, window, index, bounds }) => {
      const ours = { index: [] as number[], bounds: [0] };
      for (const size of grids.map(grid)) {
        const [unit, patch] = [ours.index.length, ours.bounds.at(-1)!];
        const order = windowOrder(size, vision(window));
        ours.index.push(...Array.from(order.order, (i) => unit + i));
        ours.bounds.push(...order.bounds.slice(1).map((b) => patch + b));
      }
      expect(ours).toEqual({ index, bounds });
    },
  );

  test.each(cases)('turns rows and columns as transformers does: $name', ({ grids, rows, columns }) => {
    // With a head of 8 the first angle is the patch's row and the third its column, both at frequency 1.
    const table = grids.flatMap((size) => [...visionTable(grid(size), 8, MERGE)]);
    const angles = (i: number) =>
      rows.map((_, patch) => ({ cos: table[(patch * 4 + i) * 2]!, sin: table[(patch * 4 + i) * 2 + 1]! }));
    const turned = (at: readonly number[], frequency: number) =>
      at.map((p) => ({
        cos: expect.closeTo(Math.cos(p * frequency), 6),
        sin: expect.closeTo(Math.sin(p * frequency), 6),
      }));
    expect(table).toHaveLength(rows.length * 8);
    expect(angles(0)).toEqual(turned(rows, 1));
    expect(angles(1)).toEqual(turned(rows, 0.01));
    expect(angles(2)).toEqual(turned(columns, 1));
    expect(angles(3)).toEqual(turned(columns, 0.01));
  });

  test.each(cases)(
    'is given attention ranges of exactly those windows, and the way back: $name',
    ({ grids, window, index, bounds }) => {
      const shape = vision(window);
      const images = grids
        .map(grid)
        .map((size) => ({ grid: size, pixels: new Float32Array(size.height * size.width * 3 * 2 * 14 * 14) }));
      const { arrays, featureStarts } = visionBatch(images, shape);
      const windows = arrays['windows'] as Uint32Array;
      const restore = Array.from(arrays['restore'] as Int32Array);
      const unit = MERGE ** 2;
      // There the pictures follow each other without padding: where each begins, in patches, there and here.
      let there = 0;
      images.forEach(({ grid: { height, width } }, i) => {
        const here = featureStarts[i]! * unit;
        for (let patch = there; patch < there + height * width; patch++) {
          const [start, end] = [bounds.findLast((b) => b <= patch)!, bounds.find((b) => b > patch)!];
          const at = 4 * (patch - there + here);
          expect([...windows.subarray(at, at + 4)]).toEqual([0, 0, start - there + here, end - there + here]);
        }
        const [first, past] = [there / unit, (there + height * width) / unit];
        const places = index.slice(first, past).map((raster) => restore[raster - first + here / unit]);
        expect(places).toEqual(places.map((_, place) => place + here / unit));
        restore.fill(-1, here / unit, here / unit + past - first);
        there += height * width;
      });
      expect(restore.every((place) => place === -1)).toBe(true);
    },
  );
});

describe('Qwen3-VL', () => {
  const fixture = JSON.parse(readFileSync(new URL('../golden/qwen3-positions.json', import.meta.url), 'utf8')) as {
    readonly rope: readonly RopeCase[];
    readonly axes: readonly { readonly section: readonly number[]; readonly axes: readonly number[] }[];
    readonly interpolation: readonly {
      readonly grid: readonly [number, number];
      readonly side: number;
      readonly merge: number;
      readonly corners: readonly (readonly number[])[];
      readonly weights: readonly (readonly number[])[];
    }[];
  };

  test.each(fixture.rope.map((c) => ({ ...c, name: JSON.stringify(c.layout) })))(
    'numbers tokens around pictures as transformers does: $name',
    ({ layout, positions, delta }) => {
      const tokens = layout.flatMap((part) =>
        typeof part === 'number'
          ? new Array<number>(part).fill(TEXT)
          : [VISION_START, ...new Array<number>((part[0] * part[1]) / MERGE ** 2).fill(IMAGE), VISION_END],
      );
      const grids = layout.flatMap((part) => (typeof part === 'number' ? [] : [grid(part)]));
      const { axes, next } = mropePositions(tokens, grids, IMAGE, MERGE);
      expect([...axes]).toEqual(positions.flat());
      expect(next).toBe(tokens.length + delta);
    },
  );

  test.each(fixture.axes.map((c) => ({ ...c, name: c.section.join(', ') })))(
    'deals frequencies to the axes in turn: $name',
    ({ section, axes }) => expect(mropeAxes(section, 'interleaved')).toEqual(axes),
  );

  test.each(fixture.interpolation.map((c) => ({ ...c, name: `${c.grid.join(' × ')} of ${c.side}` })))(
    'reads the table of positions where transformers reads it: $name',
    ({ grid: size, side, merge, corners: rows, weights }) => {
      const patches = size[0] * size[1];
      const image = { pixels: new Float32Array(), grid: grid(size) };
      const ours = corners([image], { positionSide: side, spatialMergeSize: merge }, { patches, bases: [0] });
      // What has no share may be any row.
      const read = (row: ArrayLike<number>, share: ArrayLike<number>, t: number) => {
        const sums = new Map<number, number>();
        for (let k = 4 * t; k < 4 * t + 4; k++)
          if (share[k] !== 0) sums.set(row[k]!, (sums.get(row[k]!) ?? 0) + share[k]!);
        return [...sums].sort(([a], [b]) => a - b);
      };
      for (let t = 0; t < patches; t++) {
        const expected = read(rows.flat(), weights.flat(), t).map(([row, share]) => [row, expect.closeTo(share, 5)]);
        expect(read(ours.corners, ours.shares, t)).toEqual(expected);
      }
    },
  );
});

describe('SmolVLM', () => {
  const rowsOf = <T>(name: string) =>
    (JSON.parse(readFileSync(new URL(`../golden/${name}`, import.meta.url), 'utf8')) as { readonly rows: readonly T[] })
      .rows;

  test('gives patches of a tile the positions that transformers gives them, in every dtype', () => {
    const rows = rowsOf<[number, 'float32' | 'bfloat16' | 'float16', number[]]>('smolvlm-positions.json');
    expect(rows).toHaveLength(120);
    // In f32 these boundaries fall on coordinates but for the last bit, which in torch depends on the width of the
    // CPU's vectors; no published tower has such a side.
    const undecided = new Set([19, 25, 29, 38, 40]);
    const decided = rows.filter(([n, dtype]) => dtype !== 'float32' || !undecided.has(n));
    for (const [n, dtype, buckets] of decided) expect(positionBuckets(n, dtype), `${n} in ${dtype}`).toEqual(buckets);
  });

  test('cuts pictures where transformers cuts them', () => {
    type Tiles = [number, number, number, number, boolean, [number, number], [number, number], number, number];
    const rows = rowsOf<Tiles>('smolvlm-tiles.json');
    expect(rows.length).toBeGreaterThan(50);
    const size = ([width, height]: [number, number]) => ({ width, height });
    for (const [width, height, tile, longestEdge, splitting, first, cut, down, across] of rows)
      expect(planTiles({ width, height }, { tile, longestEdge, splitting }), `${width} × ${height}`).toEqual({
        first: size(first),
        cut: size(cut),
        rows: down,
        columns: across,
      });
  });
});
