/** What a picture budget makes of rows that only pretend: three pictures of 320 × 240 each, and 120 tokens of text. */
import type { PictureReport, RequestOf } from '../../../src/engine/protocol/index.ts';
import { smartResize } from '../../../src/image/smart-resize.ts';

const ROWS = 320;
const TEXT = 120;

export function fakePictures({ pictures, stages }: RequestOf<'picture-report'>['recipe']): PictureReport {
  const seen = (maxPixels: number) =>
    smartResize({ width: 320, height: 240 }, { factor: 28, minPixels: 784, maxPixels });
  const tokensAt = (maxPixels: number) => (seen(maxPixels).width * seen(maxPixels).height) / 784;
  const maxPixels = pictures?.maxPixels ?? 1_003_520;
  const tokens = tokensAt(maxPixels);
  const limits = stages.flatMap((stage) =>
    stage.kind === 'sft' && stage.maxLength > 0 ? [{ tokens: stage.maxLength, of: stage.name }] : [],
  );
  const context = limits[0] ?? null;
  const row = TEXT + 3 * tokens;
  const long = context !== null && row > context.tokens;
  let fitting = maxPixels;
  while (long && fitting > 784 && TEXT + 3 * tokensAt(fitting) > context.tokens) fitting -= 784;
  const { width, height } = seen(maxPixels);
  return {
    looked: ROWS,
    total: ROWS,
    pictureTokens: { least: tokens, median: tokens, most: tokens },
    rowTokens: { least: row - 40, median: row - 10, most: row },
    context,
    train: ROWS,
    trainLooked: ROWS,
    tooLong: long ? 12 : 0,
    longest: long ? 'train-7' : null,
    boxes: 410,
    belowToken: width < 200 ? 31 : 2,
    smallest: { rowId: 'train-3', image: 1, width: width * 0.04, height: height * 0.06 },
    fitting: long ? { maxPixels: fitting, minPixels: 3136 } : null,
  };
}
