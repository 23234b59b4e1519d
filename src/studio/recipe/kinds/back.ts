/** A stage that goes back in the studio: its words and field. */
import type { BackStage } from '../../../engine/presets.ts';
import { plural } from '../../ui/format.ts';
import { group, type KindWords } from './words.ts';

export const back: KindWords<BackStage> = {
  name: 'Go back',
  sentence: ({ merges }) =>
    merges === 0
      ? 'Drops what was trained. The next stages start from the weights that the run started with.'
      : `Drops what was trained since. The next stages start from the weights after ${plural(merges, 'merge')}.`,
  settings: group('Go back', {
    merges: {
      label: 'Merges to keep',
      help: 'How many merges of the recipe are kept, counted from its start. 0 returns to the weights that the run started with.',
      essential: true,
      unit: 'merges',
    },
  }),
  views: [],
};
