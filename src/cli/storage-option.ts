/** How weights are to be held, as an option of a command. */
import { storageChoice } from '../engine/model/weight-storage.ts';
import type { StorageChoice, WeightDType } from '../models/storage.ts';
import { UsageError, type Option } from './arguments.ts';

export const storage: Option<StorageChoice> = { type: 'string', read: (given = 'auto') => storageChoice(given) };

/** Where nothing is there to choose by. */
export const dtype: Option<WeightDType> = {
  type: 'string',
  read(given = 'f16', name) {
    const choice = storageChoice(given);
    if (choice !== 'auto') return choice;
    throw new UsageError(`${name} is “auto”.`, 'Choose how the weights are stored, for example f16.');
  },
};
