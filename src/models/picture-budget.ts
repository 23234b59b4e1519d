/**
 * How many pixels of a picture reach the model, where that is to be another number than the checkpoint's files say:
 * settings of transformers' processors, and those files with other numbers.
 */
import { GroundworkError } from '../base/error.ts';
import { isObject, parseShallow } from '../base/json.ts';
import { Lru } from '../base/lru.ts';
import { blobSource, type ByteSource } from '../formats/byte-source.ts';
import type { PictureSizes } from './processor.ts';

/** What is not set is as in the checkpoint's files. */
export interface PictureBudget {
  /** Least and most pixels of a picture after resizing. Of families that limit the area. */
  readonly minPixels?: number;
  readonly maxPixels?: number;
  /** What the longest edge is resized to before tiles are cut. Of families that cut. */
  readonly longestEdge?: number;
  /** Large pictures as several tiles and a small whole. Of families that cut. */
  readonly imageSplitting?: boolean;
}

/** What a family limits: the area, in pixels of a token; or the longest edge of what is cut into tiles. */
export type LimitedBy =
  | { readonly by: 'area'; readonly factor: number }
  | { readonly by: 'tiles'; readonly tile: number };

const KEYS = ['minPixels', 'maxPixels', 'longestEdge', 'imageSplitting'] as const satisfies (keyof PictureBudget)[];

/** What of a budget each kind of family has. */
export const BUDGET_KEYS: Readonly<Record<LimitedBy['by'], readonly (keyof PictureBudget)[]>> = {
  area: ['minPixels', 'maxPixels'],
  tiles: ['longestEdge', 'imageSplitting'],
};

/** Equal for equal budgets; empty for the checkpoint's own. */
export const budgetKey = (budget: PictureBudget | null | undefined): string =>
  KEYS.flatMap((key) => (budget?.[key] === undefined ? [] : [`${key} ${String(budget[key])}`])).join(' ');

/** Settings of a budget that a family has no use for. */
export const strayKeys = (budget: PictureBudget, { by }: LimitedBy): (keyof PictureBudget)[] =>
  KEYS.filter((key) => budget[key] !== undefined && !BUDGET_KEYS[by].includes(key));

/** Of a budget what a family has. */
export const ownPart = (budget: PictureBudget, { by }: LimitedBy): PictureBudget =>
  Object.fromEntries(Object.entries(budget).filter(([key]) => BUDGET_KEYS[by].includes(key as keyof PictureBudget)));

const HAS: Readonly<Record<LimitedBy['by'], string>> = {
  area: 'a least and a most number of pixels (minPixels, maxPixels)',
  tiles: 'a longest edge and tiles (longestEdge, imageSplitting)',
};

/** Why limits exclude each other; null: they do not. `put` writes their numbers. */
export const limitsFault = (
  { minPixels = 0, maxPixels = Infinity }: PictureBudget,
  put: (n: number) => string = String,
): string | null =>
  minPixels > maxPixels
    ? `The picture budget asks for at least ${put(minPixels)} and at most ${put(maxPixels)} pixels.`
    : null;

/** Throws `budget-unsupported` where the family lacks a setting, or where the limits exclude each other. */
function requireBudget({ limitedBy, limits }: PictureSizes, budget: PictureBudget): void {
  const [stray] = strayKeys(budget, limitedBy);
  if (stray !== undefined)
    throw new GroundworkError(
      'budget-unsupported',
      `The picture budget sets ${stray}, and this model’s family has ${HAS[limitedBy.by]}.`,
      'Set the budget of the plan anew for this model, in the Recipe room under “Pictures”.',
    );
  const fault = limitedBy.by === 'area' ? limitsFault(limits) : null;
  if (fault !== null)
    throw new GroundworkError(
      'budget-unsupported',
      fault,
      'Lower the least number of pixels (minPixels), or raise the most (maxPixels).',
    );
}

/** Budgets of one checkpoint whose processors are kept. */
const KEPT = 16;

/**
 * A processor, or sizes, and the same under other budgets. The same budget gives the same object.
 * @param make with the settings that are not the checkpoint's
 */
export function budgeted<T extends PictureSizes>(make: (budget: PictureBudget) => Omit<T, 'under'>): T {
  const known = new Lru<string, T>(KEPT);
  const under = (budget: PictureBudget | null): T => {
    const key = budgetKey(budget);
    if (key === '') return own;
    const before = known.get(key);
    if (before) return before;
    const made = { ...make(budget!), under } as unknown as T;
    requireBudget(made, budget!);
    known.set(key, made);
    return made;
  };
  const own = { ...make({}), under } as unknown as T;
  return own;
}

/**
 * A budget with half the pixels, or half the tiles, of the largest picture as it is seen; null: it has no more than one.
 * @param largest in pixels, as the model sees it
 */
export function halved({ limits, limitedBy }: PictureSizes, largest: number): PictureBudget | null {
  if (limitedBy.by === 'tiles') {
    const { longestEdge, imageSplitting } = limits;
    const edge = Math.floor(longestEdge! / Math.SQRT2 / limitedBy.tile) * limitedBy.tile;
    return edge > 0 ? { longestEdge: edge, imageSplitting: imageSplitting! } : null;
  }
  const step = limitedBy.factor ** 2;
  const maxPixels = Math.floor(Math.min(limits.maxPixels, largest) / 2 / step) * step;
  return maxPixels > 0 ? { minPixels: Math.min(limits.minPixels, maxPixels), maxPixels } : null;
}

type Json = Readonly<Record<string, unknown>>;

/** What transformers' files say for such limits: both spellings, which its versions read. */
function written({ limitedBy, limits }: PictureSizes, before: Json): Json {
  const { minPixels, maxPixels, longestEdge, imageSplitting } = limits;
  return limitedBy.by === 'area'
    ? {
        ...before,
        size: { shortest_edge: minPixels, longest_edge: maxPixels },
        min_pixels: minPixels,
        max_pixels: maxPixels,
      }
    : { ...before, size: { longest_edge: longestEdge }, do_image_splitting: imageSplitting };
}

const PREPROCESSOR = 'preprocessor_config.json';
const PROCESSOR = 'processor_config.json';

/** A checkpoint's folder whose files about pictures say these limits; all other files are the same. */
export async function folderUnder(
  folder: ReadonlyMap<string, ByteSource>,
  sizes: PictureSizes,
): Promise<ReadonlyMap<string, ByteSource>> {
  const read = async (name: string): Promise<Json | null> => {
    const file = folder.get(name);
    if (!file) return null;
    const text = new TextDecoder().decode(await file.read(0, file.size));
    return parseShallow(text.replace(/^\uFEFF/, '')) as Json;
  };
  const put = (json: Json) => blobSource(new Blob([`${JSON.stringify(json, null, 2)}\n`]));
  const [preprocessor, processor] = [await read(PREPROCESSOR), await read(PROCESSOR)];
  const changed = new Map(folder);
  const nested = processor?.['image_processor'];
  if (isObject(nested)) changed.set(PROCESSOR, put({ ...processor, image_processor: written(sizes, nested) }));
  if (preprocessor || !isObject(nested)) changed.set(PREPROCESSOR, put(written(sizes, preprocessor ?? {})));
  return changed;
}
