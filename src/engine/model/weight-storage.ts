/** How a loaded model's weights are held, and what quantising lost, for the user. */
import { count } from '../../base/counts.ts';
import type { LoadedModel } from '../../models/load.ts';
import { NO_ERROR, relativeRms, sumErrors } from '../../ops/quantise.ts';
import { GroundworkError } from '../../base/error.ts';
import { STORAGE_CHOICES, type StorageChoice } from '../../models/storage.ts';
import type { WeightsReport } from '../protocol/model.ts';

export function storageReport({ dtype, reconstruction }: LoadedModel): WeightsReport {
  const total = reconstruction.reduce((sum, { error }) => sumErrors(sum, error), NO_ERROR);
  return {
    storage: dtype,
    quantised: reconstruction.length
      ? {
          parameters: total.count,
          relativeRms: relativeRms(total),
          largest: total.largest,
          tensors: reconstruction
            .map(({ name, format, error }) => ({
              name,
              format,
              relativeRms: relativeRms(error),
              largest: error.largest,
            }))
            .sort((a, b) => b.relativeRms - a.relativeRms),
        }
      : null,
  };
}

/** @throws GroundworkError `storage-unknown`, naming what there is */
export function storageChoice(text: string): StorageChoice {
  const choice = STORAGE_CHOICES.find((c) => c === text);
  if (choice) return choice;
  throw new GroundworkError(
    'storage-unknown',
    `“${text}” is not a storage for weights.`,
    `Choose one of ${STORAGE_CHOICES.join(', ')}.`,
  );
}

/** For a line in the terminal. */
export const heldAs = ({ storage, quantised }: WeightsReport): string =>
  quantised
    ? `held as ${storage} (${(quantised.relativeRms * 100).toFixed(1)} % lost of ${count(quantised.parameters)})`
    : `held as ${storage}`;
