/**
 * The picture budget of a plan: how many pixels of a picture reach the model. One definition for what is taught, sampled,
 * evaluated, previewed, planned and exported. What is not set is as the checkpoint's processor says.
 */
import { limitsFault, type PictureBudget } from '../models/picture-budget.ts';
import { flag, whole, type Schema } from './stages/schema.ts';

const optional = { origin: 'Groundwork', optional: true, later: true } as const;

/** No family's tower takes more than some millions of pixels: beyond is a slip of the keys. */
const MOST_PIXELS = 2 ** 26;
/** The longest edge that transformers' own processor resizes to. */
const LONGEST_EDGE = 4096;

export const PICTURES_SCHEMA: Schema<PictureBudget> = {
  minPixels: whole(1, MOST_PIXELS, optional),
  maxPixels: whole(1, MOST_PIXELS, optional),
  longestEdge: whole(16, LONGEST_EDGE, optional),
  imageSplitting: flag(optional),
};

/** Why pictures cannot be limited so. */
export const pictureFaults = (budget: PictureBudget): string[] => [limitsFault(budget) ?? []].flat();
