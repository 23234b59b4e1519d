/** What a checkpoint's folder says of pictures, in the file of transformers 4 or of transformers 5. */
import { fileURLToPath } from 'node:url';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Json } from '../../src/models/fields.ts';
import { parseArchitecture } from '../../src/models/load.ts';
import { notesOnPictures, pictureFile } from '../../src/models/picture-file.ts';
import { checkpointText } from '../text/checkpoint-text.ts';

const golden = fileURLToPath(new URL('../golden/', import.meta.url));

function open(name: string, preprocessor: Json | null, processor: Json | null) {
  const folder = `${golden}${name}/checkpoint`;
  const architecture = parseArchitecture(JSON.parse(readFileSync(`${folder}/config.json`, 'utf8')) as Json);
  const file = pictureFile(preprocessor, processor);
  return { file, read: architecture.processor({ preprocessor: file, generation: {}, ...checkpointText(folder) }) };
}
const ofCase = (name: string) =>
  JSON.parse(readFileSync(`${golden}${name}/checkpoint/preprocessor_config.json`, 'utf8')) as Json;

test.each(['qwen2_5_vl/two-images', 'qwen3_vl/one-image', 'smolvlm/split'])(
  '%s: the same inside processor_config.json gives the same pictures',
  (name) => {
    const [old, now] = [open(name, ofCase(name), null), open(name, null, { image_processor: ofCase(name) })];
    expect(now.read.limits).toEqual(old.read.limits);
    const picture = { width: 61, height: 47, data: Uint8Array.from({ length: 61 * 47 * 3 }, (_, i) => (i * 37) % 256) };
    expect(now.read.pixels(picture)).toEqual(old.read.pixels(picture));
    expect(notesOnPictures(now.file, true, '')).toEqual([]);
  },
);

test('where both files speak, the newer goes before, and its name is in messages', () => {
  const { read } = open('qwen2_5_vl/one-image', { max_pixels: 12_544 }, { image_processor: { max_pixels: 6272 } });
  expect(read.limits.maxPixels).toBe(6272);
  expect(() => open('qwen2_5_vl/one-image', null, { image_processor: { max_pixels: 'many' } })).toThrow(
    /processor_config\.json: image_processor\.max_pixels is "many"/,
  );
});

test('an older processor_config.json says nothing of pictures, and the other file counts', () =>
  expect(open('smolvlm/split', ofCase('smolvlm/split'), { image_seq_len: 64 }).file.file).toBe(
    'preprocessor_config.json',
  ));

test('without a file, or with one that leaves things open, the defaults are told', () => {
  const none = open('qwen2_5_vl/one-image', null, null);
  expect(notesOnPictures(none.file, false, 'from 3,136 to 1,003,520 pixels')).toEqual([
    expect.stringMatching(/neither .* nor .* from 3,136 to 1,003,520 pixels/),
  ]);
  const some = open('qwen2_5_vl/one-image', { min_pixels: 3136, image_mean: [0, 0, 0] }, null);
  expect(notesOnPictures(some.file, true, '…')).toEqual([
    expect.stringMatching(/does not say the largest number of pixels, their deviation/),
  ]);
});

test('a filter of Pillow’s is used as the file names it', () => {
  const picture = { width: 80, height: 80, data: Uint8Array.from({ length: 19_200 }, (_, i) => (i * 37) % 256) };
  const through = (resample: number) =>
    open('qwen2_5_vl/one-image', { resample, max_pixels: 3136, min_pixels: 784 }, null).read.pixels(picture).pixels;
  expect(through(3)).toEqual(
    open('qwen2_5_vl/one-image', { max_pixels: 3136, min_pixels: 784 }, null).read.pixels(picture).pixels,
  );
  expect(through(2)).not.toEqual(through(3));
  expect(through(1)).not.toEqual(through(3));
});

test.each([
  [{ do_resize: false }],
  [{ do_normalize: false }],
  [{ do_rescale: false }],
  [{ do_center_crop: true }],
  [{ resample: 0 }],
  [{ image_mean: [0.5] }],
  [{ image_std: [0, 1, 1] }],
  [{ patch_size: 16 }],
  [{ merge_size: 4 }],
  [{ min_pixels: 10_000, max_pixels: 5000 }],
])('%j cannot be done as it says, and is refused', (preprocessor) =>
  expect(() => open('qwen2_5_vl/one-image', preprocessor, null)).toThrow(new RegExp(Object.keys(preprocessor)[0]!)),
);
