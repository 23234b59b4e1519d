/**
 * How SmolVLM and Idefics3 cut a picture: resized to a longest edge, then up to whole tiles, then every tile and a small
 * whole. Source: transformers `models/smolvlm/image_processing_pil_smolvlm.py`, whose roundings these are.
 */
import { GroundworkError } from '../../base/error.ts';
import type { Size } from '../../grounding/box.ts';

export interface TileSettings {
  /** Side of a tile, pixels. */
  readonly tile: number;
  /** What the longest edge is resized to before cutting. */
  readonly longestEdge: number;
  readonly splitting: boolean;
}

/** No picture is resized beyond this, whatever the settings. */
const MAX_SIDE = 4096;

export interface TilePlan {
  /** Size after the first resize. */
  readonly first: Size;
  /** Size that is cut: whole tiles. */
  readonly cut: Size;
  /** Tiles down and across; 0 and 0 for a picture that stays whole. */
  readonly rows: number;
  readonly columns: number;
}

/** Throws `image-shape` for an empty picture. */
export function planTiles({ width, height }: Size, { tile, longestEdge, splitting }: TileSettings): TilePlan {
  if (!(width > 0 && height > 0))
    throw new GroundworkError('image-shape', `A picture of ${width} × ${height} cannot be read.`, 'Leave it out.');
  const first = below(rescale({ width, height }, longestEdge));
  if (!splitting) return { first, cut: { width: tile, height: tile }, rows: 0, columns: 0 };
  const cut = wholeTiles(first, tile);
  const whole = cut.width === tile && cut.height === tile;
  return { first, cut, rows: whole ? 0 : cut.height / tile, columns: whole ? 0 : cut.width / tile };
}

/** The size that is cut, from the size that is cut: what `planTiles` gives for a picture of any size it gave before. */
export const tileCount = ({ width, height }: Size, tile: number): { rows: number; columns: number } =>
  width === tile && height === tile ? { rows: 0, columns: 0 } : { rows: height / tile, columns: width / tile };

const even = (n: number) => n + (n % 2);

/** The longest edge to `longest`, the other by the ratio, cut off and then made even. */
function rescale({ width, height }: Size, longest: number): Size {
  const ratio = width / height;
  return width >= height
    ? { width: longest, height: Math.max(1, even(Math.trunc(longest / ratio))) }
    : { width: Math.max(1, even(Math.trunc(longest * ratio))), height: longest };
}

function below({ width, height }: Size): Size {
  const ratio = width / height;
  if (width >= height && width > MAX_SIDE)
    return { width: MAX_SIDE, height: Math.max(1, Math.trunc(MAX_SIDE / ratio)) };
  if (height > width && height > MAX_SIDE)
    return { width: Math.max(1, Math.trunc(MAX_SIDE * ratio)), height: MAX_SIDE };
  return { width, height };
}

function wholeTiles({ width, height }: Size, tile: number): Size {
  const up = (n: number) => Math.ceil(n / tile) * tile;
  const ratio = width / height;
  if (width >= height) return { width: up(width), height: up(Math.trunc(up(width) / ratio)) };
  return { width: up(Math.trunc(up(height) * ratio)), height: up(height) };
}
