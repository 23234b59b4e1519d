/** A rejection sampling stage in the studio: its words, fields and view. */
import { lazy } from 'react';
import type { RejectionStage } from '../../../engine/presets.ts';
import { plural } from '../../ui/format.ts';
import { SAMPLING } from './shared.ts';
import { group, type KindWords } from './words.ts';

const RejectionView = lazy(() =>
  import('../../rooms/run/rejection-view.tsx').then((m) => ({ default: m.RejectionView })),
);

const percent = (x: number) => `${Math.round(x * 100)} %`;

export const rejection: KindWords<RejectionStage> = {
  name: 'Rejection sampling',
  sentence: (stage) =>
    `Samples ${stage.numGenerations} answers to ${stage.limit > 0 ? `up to ${plural(stage.limit, 'prompt')}` : 'every training prompt'}. Keeps prompts that are solved more than ${percent(stage.minSuccess)} and less than ${percent(stage.maxSuccess)} of the time.`,
  settings: {
    ...group('Selection', {
      limit: {
        label: 'Prompts',
        help: 'Prompts to try. 0 takes all training rows. More prompts find more to learn from and take longer.',
        essential: true,
        unit: 'prompts',
      },
      numGenerations: {
        label: 'Samples per prompt',
        help: 'More samples measure the success rate more finely.',
        essential: true,
        unit: 'samples',
      },
      iouThreshold: {
        label: 'Success from IoU',
        help: 'A sample succeeds at this IoU or above, in the right picture. Higher keeps harder prompts.',
        essential: true,
        unit: 'IoU',
      },
      minSuccess: {
        label: 'Too hard up to',
        help: 'Prompts with this success rate or less are left out as too hard.',
        unit: 'share',
      },
      maxSuccess: {
        label: 'Too easy from',
        help: 'Prompts with this success rate or more are left out as too easy.',
        unit: 'share',
      },
      batchSize: {
        label: 'Prompts at once',
        help: 'Prompts that are sampled together. More is faster and takes more memory.',
        unit: 'prompts',
      },
      answersKept: {
        label: 'Answers passed on',
        help: 'Of each kept prompt, at most this many right and this many wrong answers go on to a stage that learns from preferences. 0 passes on none.',
        unit: 'answers',
      },
    }),
    ...SAMPLING,
  },
  views: [
    {
      key: 'rejection',
      title: 'Rejection sampling',
      count: ({ rejection: tried }) => tried.kept.length + tried['too-easy'].length + tried['too-hard'].length,
      body: () => <RejectionView />,
    },
  ],
};
