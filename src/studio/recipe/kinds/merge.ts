/** A merge stage in the studio: its words. */
import type { MergeStage } from '../../../engine/presets.ts';
import type { KindWords } from './words.ts';

export const merge: KindWords<MergeStage> = {
  name: 'Merge',
  sentence: () =>
    'Folds the adapter into the weights. The next stages start from the result and use it as their reference.',
  settings: {},
  without:
    'A merge has no settings. It adds the scaled B·A to each weight in f32 and stores the result in the precision of the weights.',
  views: [],
};
