/** A repetition in the studio: its words and fields. */
import type { RepeatStage } from '../../../engine/presets.ts';
import { plural } from '../../ui/format.ts';
import { group, type KindWords } from './words.ts';

export const repeat: KindWords<RepeatStage> = {
  name: 'Repeat',
  sentence: ({ numStages, numRounds }) =>
    numRounds === 1
      ? `Runs the ${plural(numStages, 'stage')} before it once: nothing is repeated.`
      : `Runs the ${plural(numStages, 'stage')} before it in ${numRounds} rounds, each with draws of its own.`,
  settings: group('Repeat', {
    numStages: {
      label: 'Stages repeated',
      help: 'How many of the stages right before this one are repeated.',
      essential: true,
      unit: 'stages',
    },
    numRounds: {
      label: 'Rounds',
      help: 'How often they are run in all. Each round goes on with what the one before has left. Put “Go back” among them to begin each round from an earlier merge.',
      essential: true,
      unit: 'rounds',
    },
  }),
  views: [],
};
