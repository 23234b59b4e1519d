/** A stage that goes back in the studio: its words and field. */
import type { BackStage } from '../../../engine/presets.ts';
import { plural } from '../../ui/format.ts';
import { group, type KindWords } from './words.ts';

export const back: KindWords<BackStage> = {
  name: 'Go back',
  sentence: ({ merges }) =>
    merges === 0
      ? 'Lets go of what was trained: the next stages start from the weights that the run began with.'
      : `Lets go of what was trained since: the next stages start from the weights after ${plural(merges, 'merge')}.`,
  settings: group('Go back', {
    merges: {
      label: 'Merges that stay',
      help: 'The first so many merges of the recipe hold. 0 goes back to the weights that the run began with.',
      essential: true,
      unit: 'merges',
    },
  }),
  views: [],
};
