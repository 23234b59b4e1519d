/** A picture budget in words, on the model that is loaded. */
import { limitsFault, ownPart, picturesUnder, strayKeys } from '../../../engine/presets.ts';
import type { ModelReport, PictureBudget } from '../../../engine/protocol/index.ts';
import { count } from '../../ui/format.ts';

/** What a model sees of pictures under a plan's budget. */
export const seenUnder = ({ pictures }: Pick<ModelReport, 'pictures'>, budget: PictureBudget | undefined) =>
  picturesUnder(pictures, budget && ownPart(budget, pictures.limitedBy));

/** Why a plan's budget cannot be used with a model; null: it can. */
export function budgetFault(
  model: Pick<ModelReport, 'pictures'> | null,
  budget: PictureBudget | undefined,
): string | null {
  if (!model || !budget) return null;
  const [stray] = strayKeys(budget, model.pictures.limitedBy);
  if (stray !== undefined) return `The picture budget sets ${stray}, which this model’s family does not have.`;
  return limitsFault(seenUnder(model, budget), count);
}

/** The limit that a budget sets, at the end of a sentence. */
export function limitWords({ maxPixels, longestEdge }: PictureBudget): string {
  if (longestEdge !== undefined) return `a longest edge of ${count(longestEdge)} pixels`;
  return maxPixels === undefined ? 'the checkpoint’s own pixels' : `at most ${count(maxPixels)} pixels a picture`;
}
