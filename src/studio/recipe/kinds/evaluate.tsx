/** An evaluation stage in the studio: its words, fields and view. */
import { lazy } from 'react';
import type { EvaluateStage } from '../../../engine/presets.ts';
import { plural } from '../../ui/format.ts';
import { group, type KindWords } from './words.ts';

const EvaluationView = lazy(() =>
  import('../../rooms/run/evaluation-view.tsx').then((m) => ({ default: m.EvaluationView })),
);

export const evaluate: KindWords<EvaluateStage> = {
  name: 'Evaluation',
  sentence: ({ limit }) =>
    `Answers ${limit > 0 ? `up to ${plural(limit, 'held-out row')}` : 'every held-out row'} and counts boxes that overlap enough.`,
  settings: group('Evaluation', {
    limit: {
      label: 'Held-out rows',
      help: 'At most this many. 0 takes all. More rows narrow the interval of the result and take longer.',
      essential: true,
      unit: 'rows',
    },
    maxCompletionLength: {
      label: 'Longest answer',
      help: 'Longer answers are truncated, and a truncated answer seldom has a box.',
      essential: true,
      unit: 'tokens',
    },
    batchSize: {
      label: 'Rows at once',
      help: 'Rows that are answered together. More is faster and takes more memory. The answers stay the same.',
      unit: 'rows',
    },
    instruction: {
      label: 'Added to the question',
      help: 'A sentence after each question, such as “Think first.” It shows what the model can do when it is asked in another way. Empty asks as the rows are written.',
    },
    answerForm: {
      label: 'Answer form',
      help: 'plan asks as the prompt of the recipe says. think and answer ask all rows to think first or to answer at once, as-written adds no words. So one recipe can measure both.',
    },
  }),
  views: [
    {
      key: 'evaluation',
      title: 'Evaluation',
      count: ({ evaluations }) => evaluations.length,
      body: () => <EvaluationView />,
    },
  ],
};
