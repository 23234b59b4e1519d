/** Flags that say how many pixels of a picture reach the model: they go before what the plan says. */
import type { PictureBudget } from '../models/picture-budget.ts';
import { PICTURES_SCHEMA, pictureFaults } from '../train/picture-settings.ts';
import type { Recipe } from '../train/recipe.ts';
import { oneOf, UsageError, whole } from './arguments.ts';

/** Said in the usage of each command that has them. */
export const PICTURE_USAGE = '[--min-pixels N] [--max-pixels N] [--longest-edge N] [--tiles on|off]';

export const PICTURE_FLAGS = {
  'min-pixels': whole(1),
  'max-pixels': whole(1),
  'longest-edge': whole(PICTURES_SCHEMA.longestEdge.min),
  tiles: oneOf(['on', 'off']),
} as const;

interface PictureValues {
  readonly 'min-pixels': number | undefined;
  readonly 'max-pixels': number | undefined;
  readonly 'longest-edge': number | undefined;
  readonly tiles: 'on' | 'off' | undefined;
}

/** The budget that flags give over another; null: they give none, and there is none. Throws `usage`. */
export function pictureBudget(values: PictureValues, planned: PictureBudget = {}): PictureBudget | null {
  const { 'min-pixels': minPixels, 'max-pixels': maxPixels, 'longest-edge': longestEdge, tiles } = values;
  const budget: PictureBudget = {
    ...planned,
    ...(minPixels !== undefined && { minPixels }),
    ...(maxPixels !== undefined && { maxPixels }),
    ...(longestEdge !== undefined && { longestEdge }),
    ...(tiles !== undefined && { imageSplitting: tiles === 'on' }),
  };
  for (const [flag, key] of [
    ['--min-pixels', 'minPixels'],
    ['--max-pixels', 'maxPixels'],
    ['--longest-edge', 'longestEdge'],
  ] as const) {
    const most = PICTURES_SCHEMA[key].max;
    if ((budget[key] ?? 0) > most) throw new UsageError(`${flag} is ${budget[key]}.`, `Give at most ${most}.`);
  }
  const [fault] = pictureFaults(budget);
  if (fault !== undefined) throw new UsageError(fault, 'Lower --min-pixels, or raise --max-pixels.');
  return Object.keys(budget).length > 0 ? budget : null;
}

/** A plan with the budget that flags give. */
export function withPictures<R extends Pick<Recipe, 'pictures'>>(recipe: R, values: PictureValues): R {
  const pictures = pictureBudget(values, recipe.pictures);
  return pictures ? { ...recipe, pictures } : recipe;
}
