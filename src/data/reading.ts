/** What a reading of numbers is: spaces, layouts and resizings, in words and as frames that numbers are measured in. */
import { count } from '../base/counts.ts';
import type { Box01, Size } from '../grounding/box.ts';
import type { Numbers } from '../grounding/convention.ts';
import { boxOfNumbers } from '../grounding/numbers.ts';
import { smartResize } from '../image/smart-resize.ts';
import type { BoxLayout, Convention, CoordinateSpace, Resize } from './dataset-ref.ts';

/** What is known of the picture that a box lies in. */
export interface PictureFacts {
  /** As shown, after its EXIF orientation. */
  readonly shown: Size;
  /** EXIF orientation, 1–8. */
  readonly orientation: number;
  /** The size that the rows give for it. */
  readonly listed: Size | null;
}

/** Qwen2.5-VL's defaults (its preprocessor_config.json). */
export const QWEN_RESIZE = { kind: 'budget', factor: 28, minPixels: 56 * 56, maxPixels: 14 * 14 * 4 * 16384 } as const;

/**
 * Resizings that the field writes boxes after, the most usual first: Qwen2.5-VL's defaults; those of Qwen's own
 * converter (qwen-vl-finetune's process_bbox.ipynb); multiples of 28 and of 32 without a limit; LLaMA-Factory's two
 * limits; 512, 640 and 256 tokens a picture.
 */
export const FIELD_RESIZES: readonly Resize[] = [
  QWEN_RESIZE,
  { kind: 'budget', factor: 28, minPixels: 56 * 56, maxPixels: 14 * 14 * 4 * 1280 },
  { kind: 'budget', factor: 28, minPixels: 28 * 28 },
  { kind: 'budget', factor: 32, minPixels: 32 * 32 },
  { kind: 'budget', factor: 1, minPixels: 1, maxPixels: 768 * 768 },
  { kind: 'budget', factor: 1, minPixels: 1, maxPixels: 512 * 512 },
  { kind: 'budget', factor: 28, minPixels: 56 * 56, maxPixels: 640 * 28 * 28 },
  { kind: 'budget', factor: 28, minPixels: 56 * 56, maxPixels: 512 * 28 * 28 },
  { kind: 'budget', factor: 28, minPixels: 56 * 56, maxPixels: 256 * 28 * 28 },
];

/** A picture's size after a resize; null for shapes that it refuses. */
export function resized(natural: Size, resize: Resize): Size | null {
  if (resize.kind === 'size') return { width: resize.width, height: resize.height };
  const longest = Math.max(natural.width, natural.height);
  if (longest > 200 * Math.min(natural.width, natural.height) || natural.width * natural.height === 0) return null;
  const { factor, minPixels, maxPixels = Infinity } = resize;
  return smartResize(natural, { factor, minPixels, maxPixels });
}

/** Sides exchanged by a turn of a quarter. */
const isSideways = (orientation: number): boolean => orientation >= 5;
const flipped = ({ width, height }: Size): Size => ({ width: height, height: width });

const storedSize = ({ shown, orientation }: PictureFacts): Size => (isSideways(orientation) ? flipped(shown) : shown);

/** Whether the size that the rows give is that of the picture before its turning by a quarter. */
function listedAsStored({ shown, orientation, listed }: PictureFacts): boolean {
  if (!listed || !isSideways(orientation)) return false;
  const shape = Math.log(listed.width / listed.height);
  const asShown = Math.log(shown.width / shown.height);
  return Math.abs(shape + asShown) < Math.abs(shape - asShown);
}

/** The whole of a picture in a reading's own numbers; null where something about it is needed and not known. */
export function extent(
  { space, resize }: Pick<Convention, 'space' | 'resize'>,
  picture: PictureFacts | null,
): Size | null {
  switch (space) {
    case 'fraction':
      return { width: 1, height: 1 };
    case 'percent':
      return { width: 100, height: 100 };
    case 'thousand':
      return { width: 1000, height: 1000 };
    case 'natural':
      return picture && picture.shown;
    case 'stored':
      return picture && storedSize(picture);
    case 'listed':
      return picture && picture.listed;
    case 'model':
      return picture && resized(picture.shown, resize ?? QWEN_RESIZE);
  }
}

/** Whether a space depends on the picture that a box lies in. */
export const needsPicture = (space: CoordinateSpace): boolean =>
  space !== 'fraction' && space !== 'percent' && space !== 'thousand';

/** A box as fractions of the picture as shown; may lie outside or be inverted. Null where the picture is not known. */
export function boxOf(numbers: Numbers, convention: Convention, picture: PictureFacts | null): Box01 | null {
  const whole = extent(convention, picture);
  if (!whole) return null;
  const turned =
    picture && (convention.space === 'stored' || (convention.space === 'listed' && listedAsStored(picture)))
      ? picture.orientation
      : 1;
  return boxOfNumbers(numbers, convention.layout, whole, turned);
}

export const SPACE_WORDS: Readonly<Record<CoordinateSpace, string>> = {
  fraction: 'fractions of the picture (0–1)',
  percent: 'percent of the picture (0–100)',
  thousand: 'thousandths of the picture (0–1000)',
  natural: 'pixels of the picture file',
  stored: 'pixels of the picture file before it is turned (EXIF)',
  listed: 'pixels of the size that the file gives for the picture',
  model: 'pixels of the picture after a resize',
};

export const LAYOUT_WORDS: Readonly<Record<BoxLayout, string>> = {
  xyxy: 'two corners',
  xywh: 'corner, width and height',
  cxcywh: 'centre, width and height',
  yxyx: 'two corners, y before x',
};

export function resizeWords(resize: Resize): string {
  if (resize.kind === 'size') return `to ${resize.width} × ${resize.height}`;
  const limit = resize.maxPixels === undefined ? 'without a limit' : `to at most ${count(resize.maxPixels)} pixels`;
  return resize.factor === 1 ? limit : `${limit}, in multiples of ${resize.factor}`;
}

export const conventionWords = ({ space, layout, resize }: Convention): string =>
  `${SPACE_WORDS[space]}${space === 'model' ? ` ${resizeWords(resize ?? QWEN_RESIZE)}` : ''}, as ${LAYOUT_WORDS[layout]}`;

export const SPACES: readonly CoordinateSpace[] = [
  'natural',
  'model',
  'thousand',
  'fraction',
  'percent',
  'listed',
  'stored',
];
export const LAYOUTS: readonly BoxLayout[] = ['xyxy', 'xywh', 'cxcywh', 'yxyx'];

const resizeKey = (resize: Resize): string =>
  resize.kind === 'size'
    ? `${resize.width}x${resize.height}`
    : `${resize.factor} ${resize.minPixels} ${resize.maxPixels ?? ''}`;

/** The same for conventions that read every box alike. */
export const conventionKey = ({ space, layout, resize }: Convention): string =>
  `${space} ${layout}${space === 'model' ? ` ${resizeKey(resize ?? QWEN_RESIZE)}` : ''}`;
