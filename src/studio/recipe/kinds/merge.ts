import type { MergeStage } from '../../../engine/presets.ts';
import type { KindWords } from './words.ts';

export const merge: KindWords<MergeStage> = {
  name: 'Merge',
  sentence: () => 'Folds the adapter into the weights; what follows starts from there, and compares itself with it.',
  settings: {},
  without:
    "Merging has no settings: B·A, scaled, is added to each weight in f32 and stored in the weights' own precision.",
  views: [],
};
