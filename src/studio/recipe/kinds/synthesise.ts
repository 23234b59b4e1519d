/** A synthesis stage in the studio: its words and fields. */
import type { SynthesiseStage } from '../../../engine/presets.ts';
import { plural } from '../../ui/format.ts';
import { SAMPLING } from './shared.ts';
import { group, type KindWords } from './words.ts';

export const synthesise: KindWords<SynthesiseStage> = {
  name: 'Synthesis of thoughts',
  sentence: (stage) =>
    `Answers ${stage.limit > 0 ? `up to ${plural(stage.limit, 'row')}` : 'every training row with true boxes and no thought'} ${plural(stage.numGenerations, 'time')}. Keeps ${plural(stage.thoughtsPerRow, 'thought')} a row that led to the right boxes${stage.rationalise ? ', and asks again with a hint where none does' : ''}.`,
  settings: {
    ...group('Thoughts', {
      limit: {
        label: 'Rows',
        help: 'Rows to try. 0 takes all training rows with true boxes. More rows give more thoughts to learn from.',
        essential: true,
        unit: 'rows',
      },
      numGenerations: {
        label: 'Samples per row',
        help: 'More samples find a right answer to harder rows.',
        essential: true,
        unit: 'samples',
      },
      anew: {
        label: 'Begin anew',
        help: 'Thoughts that stages before have written are let go, and their rows are asked again: for rounds in which each thought is the present model’s. Thoughts of the dataset stay.',
      },
      rationalise: {
        label: 'Ask again with a hint',
        help: 'A row without a right answer is asked again with its true boxes in the prompt. The hint is not learned, and a thought that gives it away is dropped.',
        essential: true,
      },
      thoughtsPerRow: {
        label: 'Thoughts per row',
        help: 'At most this many different thoughts of a row are learned, each as a separate row.',
        unit: 'thoughts',
      },
      iouThreshold: {
        label: 'Right from IoU',
        help: 'An answer is right at this IoU or above, in the right picture. The row keeps its true boxes.',
        essential: true,
        unit: 'IoU',
      },
      minThoughtWords: { label: 'Shortest thought', help: 'Shorter thoughts are dropped.', unit: 'words' },
      maxThoughtWords: { label: 'Longest thought', help: 'Longer thoughts are dropped.', unit: 'words' },
      batchSize: {
        label: 'Rows at once',
        help: 'Rows that are sampled together. More is faster and takes more memory.',
        unit: 'rows',
      },
    }),
    ...SAMPLING,
  },
  views: [],
};
