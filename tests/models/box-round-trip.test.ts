/** Boxes a person drew, written as each family writes them and read back: exact to what the family can say. */
import { describe, expect, test } from 'vitest';
import { PUBLISHED, publishedPreprocessor } from '../../src/engine/model/published.ts';
import { box01, type GroundedBox, type Size } from '../../src/grounding/box.ts';
import { CONVENTIONS, type BoxFamily } from '../../src/grounding/convention.ts';
import { parseAnswer } from '../../src/grounding/parse.ts';
import { parseArchitecture } from '../../src/models/load.ts';
import { pictureFile } from '../../src/models/picture-file.ts';

// Odd sizes: enlarged, reduced, narrow, and untouched by the resize of each family.
const NATURAL: readonly Size[] = [
  { width: 641, height: 479 },
  { width: 1999, height: 1333 },
  { width: 77, height: 301 },
  { width: 31, height: 17 },
  { width: 512, height: 512 },
];
const CORNERS = [
  [0, 0, 13, 9],
  [3, 5, 30, 16],
  [11, 2, 29, 17],
] as const;
const FAMILIES = Object.keys(CONVENTIONS) as BoxFamily[];

describe.each(FAMILIES)('%s', (family) => {
  const { config } = PUBLISHED.find((p) => p.config['model_type'] === family)!;
  const sizes = parseArchitecture(config).pictureSizes(pictureFile(publishedPreprocessor(config), null));
  const convention = CONVENTIONS[family];
  const modelSizes = NATURAL.map((natural) => sizes.modelSize(natural));
  const boxes = NATURAL.flatMap((natural, image) =>
    CORNERS.map((corners): GroundedBox & { natural: Size } => {
      const [x1, y1, x2, y2] = corners;
      return { image, natural, box: box01(x1 / 31, y1 / 17, x2 / 31, y2 / 17) };
    }),
  );

  test.each(boxes)('a box in picture $image of $natural.width × $natural.height', ({ image, box, natural }) => {
    const text = convention.formatAnswer([{ image, box }], modelSizes);
    const parsed = parseAnswer(text, { convention, sizes: modelSizes, thinking: 'optional' });
    expect(parsed.boxes).toHaveLength(1);
    expect(parsed.boxes[0]!.image).toBe(image);
    const inPixels = (corner: number, i: number) => corner * (i % 2 ? natural.height : natural.width);
    const [wanted, read] = [box.map(inPixels), parsed.boxes[0]!.box.map(inPixels)];
    const model = modelSizes[image]!;
    wanted.forEach((corner, i) => {
      const [side, steps] = i % 2 ? [natural.height, model.height] : [natural.width, model.width];
      // Half a step of what the family counts in; an edge of the picture is its last model pixel.
      const pixels = family === 'qwen2_5_vl';
      const step = side / (pixels ? steps : 1000);
      const atEdge = pixels && corner > side - step;
      expect(Math.abs(read[i]! - corner)).toBeLessThanOrEqual(step * (atEdge ? 1 : 0.5) + 1e-9);
      // And never more than a pixel of the picture, unless one pixel of the model holds several.
      expect(Math.abs(read[i]! - corner)).toBeLessThanOrEqual(Math.max(1, step) + 1e-9);
    });
  });
});
