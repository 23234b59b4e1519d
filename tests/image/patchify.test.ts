import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { toFloat32 } from '../../src/formats/safetensors.ts';
import { CLIP_NORMALISATION, normalisationTable } from '../../src/image/normalise.ts';
import { nodeDecode } from '../../src/image/node-decode.ts';
import { patchify, type PatchLayout } from '../../src/image/patchify.ts';
import { resize } from '../../src/image/resize.ts';
import { smartResize } from '../../src/image/smart-resize.ts';
import { expectedTensors, goldenCases, picturesOf, preprocessorOf } from './golden-cases.ts';

const QWEN2_VL_PATCHES: PatchLayout = { patchSize: 14, mergeSize: 2, temporalPatchSize: 2 };

describe('agrees with transformers to the last bit', () => {
  test.each(goldenCases().filter((golden) => picturesOf(golden).length))('$name', async (golden) => {
    const expected = await expectedTensors(golden);
    if (!expected.tensors.has('pixel_values')) return;
    const { config, limits } = preprocessorOf(golden);
    const values: number[] = [];
    for (const path of picturesOf(golden)) {
      const image = await nodeDecode(new Blob([readFileSync(path)]));
      const patches = patchify(
        resize(image, smartResize(image, limits)),
        { patchSize: config.patch_size, mergeSize: config.merge_size, temporalPatchSize: config.temporal_patch_size },
        { mean: config.image_mean, std: config.image_std },
      );
      values.push(...patches.values);
    }
    const want = toFloat32(await expected.read('pixel_values'), 'F32');
    expect(values.length).toBe(want.length);
    expect(values.findIndex((v, i) => v !== want[i])).toBe(-1);
  });
});

test('patches come block by block, frames are equal', () => {
  // Each pixel's red is the number of its patch in raster order.
  const [width, height] = [56, 56];
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) data[(y * width + x) * 3] = Math.floor(y / 14) * 4 + Math.floor(x / 14);
  const { values, rows, columns } = patchify({ width, height, data }, QWEN2_VL_PATCHES, {
    mean: [0, 0, 0],
    std: [1, 1, 1],
    rescaleFactor: 1,
  });
  expect([rows, columns]).toEqual([4, 4]);
  const firsts = Array.from({ length: 16 }, (_, i) => values[i * 1176]);
  expect(firsts).toEqual([0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15]);
  for (let i = 0; i < 16; i++)
    expect(values.subarray(i * 1176, i * 1176 + 196)).toEqual(values.subarray(i * 1176 + 196, i * 1176 + 392));
});

test('a picture that is no multiple of the block is a defect of the caller', () => {
  expect(() =>
    patchify({ width: 42, height: 28, data: new Uint8Array(42 * 28 * 3) }, QWEN2_VL_PATCHES, CLIP_NORMALISATION),
  ).toThrow('2 patches of 14 pixels');
});

test('patches hold the values of the table, channel after channel', () => {
  const table = normalisationTable(CLIP_NORMALISATION);
  const { values } = patchify(
    { width: 2, height: 1, data: Uint8Array.of(0, 128, 255, 7, 8, 9) },
    { patchSize: 1, mergeSize: 1, temporalPatchSize: 1 },
    CLIP_NORMALISATION,
  );
  expect([...values]).toEqual([table[0], table[256 + 128], table[512 + 255], table[7], table[256 + 8], table[512 + 9]]);
});
