/** What is told of pictures without a tokenizer is what the processor then does with it. */
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { filesUnder } from '../../src/cli/node-files.ts';
import { PUBLISHED, publishedPreprocessor } from '../../src/engine/model/published.ts';
import { parseArchitecture } from '../../src/models/load.ts';
import { pictureFile } from '../../src/models/picture-file.ts';
import { checkpointText } from '../text/checkpoint-text.ts';

const golden = fileURLToPath(new URL('../golden/', import.meta.url));
const PICTURES = [
  { width: 64, height: 64 },
  { width: 640, height: 481 },
  { width: 90, height: 300 },
  { width: 1200, height: 70 },
];

test.each(['qwen2_vl/one-image', 'qwen2_5_vl/one-image', 'qwen3_vl/one-image', 'smolvlm/split', 'smolvlm/uneven'])(
  '%s: sizes and tokens around a picture',
  async (name) => {
    const folder = `${golden}${name}/checkpoint`;
    const files = new Map((await filesUnder(folder)).map(({ path, file }) => [path, file]));
    const read = async (path: string) => JSON.parse(await files.get(path)!.text()) as Record<string, unknown>;
    const architecture = parseArchitecture(await read('config.json'));
    const preprocessor = pictureFile(await read('preprocessor_config.json'), null);
    const sizes = architecture.pictureSizes(preprocessor);
    const text = checkpointText(folder);
    const processor = architecture.processor({ preprocessor, generation: {}, ...text });
    for (const natural of PICTURES) {
      const size = processor.modelSize(natural);
      expect(sizes.modelSize(natural)).toEqual(size);
      expect(sizes.gridOf(size)).toEqual(processor.gridOf(size));
      const { token, expansion } = processor.placeholder([size]);
      const ids = expansion(0);
      const mark = text.tokenizer.requireId(token);
      const features = architecture.vision.featureCount(sizes.gridOf(size));
      expect(ids.filter((id) => id === mark)).toHaveLength(features);
      // Qwen's two are in its template, around the placeholder.
      const around = name.startsWith('qwen') ? 2 : ids.length - features;
      expect(Math.abs(sizes.markerTokens(size) - around)).toBeLessThanOrEqual(1);
    }
  },
);

describe('every published size sees whole patches', () => {
  test.each(PUBLISHED)('$id', ({ config }) => {
    const architecture = parseArchitecture(config);
    const sizes = architecture.pictureSizes(pictureFile(publishedPreprocessor(config), null));
    for (const natural of PICTURES) {
      const grid = sizes.gridOf(sizes.modelSize(natural));
      const counts = [grid.height, grid.width, architecture.vision.featureCount(grid)];
      expect(counts.map(Number.isInteger)).toEqual([true, true, true]);
    }
  });
});
