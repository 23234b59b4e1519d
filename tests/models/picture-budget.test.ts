/** A picture budget: what the model then sees, as transformers' processors do, and what the written files say. */
import { fileURLToPath } from 'node:url';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { GroundworkError } from '../../src/base/error.ts';
import type { ByteSource } from '../../src/formats/byte-source.ts';
import { decodeImage, registerDecoder } from '../../src/image/decode.ts';
import { nodeDecode } from '../../src/image/node-decode.ts';
import type { Json } from '../../src/models/fields.ts';
import { parseArchitecture } from '../../src/models/load.ts';
import { budgetKey, folderUnder, halved, ownPart, type PictureBudget } from '../../src/models/picture-budget.ts';
import { pictureFile } from '../../src/models/picture-file.ts';
import type { Processor } from '../../src/models/processor.ts';
import { bytesSource } from '../formats/bytes-source.ts';
import { checkpointText } from '../text/checkpoint-text.ts';

registerDecoder(nodeDecode);

const golden = fileURLToPath(new URL('../golden/', import.meta.url));
const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Json;

function processorOf(name: string, preprocessor?: Json | null, processor: Json | null = null): Processor {
  const folder = `${golden}${name}/checkpoint`;
  const said = preprocessor === undefined ? readJson(`${folder}/preprocessor_config.json`) : preprocessor;
  return parseArchitecture(readJson(`${folder}/config.json`)).processor({
    preprocessor: pictureFile(said, processor),
    generation: {},
    ...checkpointText(folder),
  });
}

/** As transformers spells it. */
interface Spelled {
  readonly min_pixels?: number;
  readonly max_pixels?: number;
  readonly size?: { readonly shortest_edge?: number; readonly longest_edge: number };
  readonly do_image_splitting?: boolean;
}

const budgetOf = (name: string, { min_pixels, max_pixels, size, do_image_splitting }: Spelled): PictureBudget =>
  name.startsWith('smolvlm')
    ? {
        longestEdge: size!.longest_edge,
        ...(do_image_splitting !== undefined && { imageSplitting: do_image_splitting }),
      }
    : { minPixels: min_pixels ?? size!.shortest_edge!, maxPixels: max_pixels ?? size!.longest_edge };

type Row = readonly [string, Spelled, string, readonly number[], readonly (readonly [number, number])[]];
const { rows } = readJson(`${golden}picture-budgets.json`) as unknown as { readonly rows: readonly Row[] };

/** Sum and sum of squares of the bytes behind normalised pixels, piece by piece. */
function sums(pixels: Float32Array, pieces: number, { normalisation, patches }: Processor): number[][] {
  const { mean, std } = normalisation;
  const channel = patches.temporalPatchSize * patches.patchSize ** 2;
  const found = Array.from({ length: pieces }, () => [0, 0]);
  const each = pixels.length / pieces;
  pixels.forEach((value, i) => {
    const c = Math.floor(i / channel) % 3;
    const byte = Math.round((value * std[c]! + mean[c]!) * 255);
    const piece = found[Math.floor(i / each)]!;
    piece[0]! += byte;
    piece[1]! += byte * byte;
  });
  return found;
}

test.each(rows.map((row) => [`${row[0]}, ${row[2]}, ${JSON.stringify(row[1])}`, row] as const))(
  '%s: the picture is as transformers sees it',
  async (_, [name, spelled, picture, shape, expected]) => {
    const processor = processorOf(name).under(budgetOf(name, spelled));
    const image = await decodeImage(new Blob([readFileSync(`${golden}${name}/images/${picture}`)]));
    const { pixels, grid } = processor.pixels(image);
    expect(processor.gridOf(processor.modelSize(image))).toEqual(grid);
    const tiles = shape.length === 1;
    expect(tiles ? [grid.height / grid.width] : [grid.height, grid.width]).toEqual(shape);
    expect(sums(pixels, tiles ? shape[0]! : 1, processor)).toEqual(expected);
  },
);

describe('a budget', () => {
  test('of nothing is the checkpoint’s own, and the same one gives the same processor', () => {
    const own = processorOf('qwen2_vl/four-images');
    expect(own.under(null)).toBe(own);
    expect(own.under({})).toBe(own);
    const small = own.under({ maxPixels: 6272 });
    expect(small.limits).toMatchObject({ minPixels: own.limits.minPixels, maxPixels: 6272 });
    expect(own.under({ maxPixels: 6272 })).toBe(small);
    // Over the checkpoint's, not over another budget.
    expect(small.under({ minPixels: 4000 }).limits.maxPixels).toBe(own.limits.maxPixels);
    expect(small.under(null)).toBe(own);
  });

  test.each([
    ['qwen2_vl/four-images', { longestEdge: 512 }, /sets longestEdge.*least and a most number of pixels/],
    ['qwen3_vl/one-image', { imageSplitting: false }, /sets imageSplitting/],
    ['smolvlm/split', { maxPixels: 4096 }, /sets maxPixels.*longest edge and tiles/],
    ['qwen2_vl/four-images', { minPixels: 9000, maxPixels: 8000 }, /at least 9000 and at most 8000/],
    ['qwen2_vl/four-images', { maxPixels: 784 }, /at least 3136 and at most 784/],
  ] as const)('%s: %j is refused by name', (name, budget, words) => {
    const own = processorOf(name);
    expect(() => own.under(budget)).toThrow(GroundworkError);
    expect(() => own.under(budget)).toThrow(words);
    // Once refused, refused again.
    expect(() => own.under(budget)).toThrow(words);
  });

  test('has a key that tells it from others, and a part that is a family’s', () => {
    expect(budgetKey(null)).toBe('');
    expect(budgetKey({ maxPixels: 5, minPixels: 3 })).toBe(budgetKey({ minPixels: 3, maxPixels: 5 }));
    expect(budgetKey({ maxPixels: 5 })).not.toBe(budgetKey({ minPixels: 5 }));
    const both = { maxPixels: 5, imageSplitting: false };
    expect(ownPart(both, { by: 'area', factor: 28 })).toEqual({ maxPixels: 5 });
    expect(ownPart(both, { by: 'tiles', tile: 512 })).toEqual({ imageSplitting: false });
  });
});

test('half the pixels of the largest picture is a budget, down to one token or one tile', () => {
  const area = processorOf('qwen2_vl/four-images');
  expect(halved(area, 100_352)).toEqual({ minPixels: 3136, maxPixels: 6272 });
  expect(halved(area, 6272)).toEqual({ minPixels: 3136, maxPixels: 3136 });
  expect(halved(area, 1568)).toEqual({ minPixels: 784, maxPixels: 784 });
  expect(halved(area, 784)).toBeNull();
  const tiles = processorOf('smolvlm/split');
  expect(halved(tiles, 72 * 72)).toEqual({ longestEdge: 48, imageSplitting: true });
  expect(halved(tiles.under({ longestEdge: 48 }), 48 * 48)).toEqual({ longestEdge: 24, imageSplitting: true });
  expect(halved(tiles.under({ longestEdge: 24 }), 24 * 24)).toBeNull();
});

describe('a checkpoint’s folder under a budget', () => {
  const folderOf = (files: Readonly<Record<string, Json>>) =>
    new Map<string, ByteSource>(
      Object.entries({ ...files, 'config.json': {} }).map(([path, json]) => [
        path,
        bytesSource(new TextEncoder().encode(JSON.stringify(json))),
      ]),
    );
  const said = async (folder: ReadonlyMap<string, ByteSource>, path: string) => {
    const file = folder.get(path);
    return file ? (JSON.parse(new TextDecoder().decode(await file.read(0, file.size))) as Json) : null;
  };

  test.each([
    ['qwen2_5_vl/one-image', { minPixels: 1568, maxPixels: 9408 }],
    ['qwen3_vl/one-image', { maxPixels: 4096 }],
    ['smolvlm/split', { longestEdge: 48, imageSplitting: false }],
  ] as const)('%s: is read back with the same limits, in the file of either version', async (name, budget) => {
    const own = processorOf(name);
    const under = own.under(budget);
    const file = readJson(`${golden}${name}/checkpoint/preprocessor_config.json`);
    const ways: Record<string, Json>[] = [
      { 'preprocessor_config.json': file },
      { 'processor_config.json': { image_processor: file, processor_class: 'P' } },
      { 'preprocessor_config.json': file, 'processor_config.json': { image_processor: file } },
      { 'preprocessor_config.json': file, 'processor_config.json': { image_seq_len: 64 } },
    ];
    for (const files of ways) {
      const folder = folderOf(files);
      const changed = await folderUnder(folder, under);
      expect([...changed.keys()].sort()).toEqual([...folder.keys()].sort());
      expect(changed.get('config.json')).toBe(folder.get('config.json'));
      for (const path of Object.keys(files)) {
        const json = (await said(changed, path))!;
        if (path === 'processor_config.json' && !json['image_processor']) expect(json).toEqual(files[path]);
        else {
          // Each file alone says it, for versions that read but one.
          const back = processorOf(name, ...(path === 'processor_config.json' ? ([null, json] as const) : [json]));
          expect(back.limits).toEqual(under.limits);
          expect(back.normalisation).toEqual(own.normalisation);
        }
      }
    }
  });

  test('without a file about pictures gets one', async () => {
    const under = processorOf('qwen2_vl/four-images', null).under({ maxPixels: 9408 });
    const changed = await folderUnder(folderOf({}), under);
    expect(await said(changed, 'preprocessor_config.json')).toMatchObject({ max_pixels: 9408, min_pixels: 3136 });
  });
});
