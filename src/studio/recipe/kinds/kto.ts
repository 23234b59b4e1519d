/** A KTO stage in the studio: its words and fields. */
import type { KtoStage } from '../../../engine/presets.ts';
import { plural } from '../../ui/format.ts';
import { preferenceWords } from './preference-words.ts';
import { group, small, type KindWords } from './words.ts';

export const kto: KindWords<KtoStage> = {
  name: 'Judged answers (KTO)',
  sentence: (stage) => {
    const length = stage.maxSteps > 0 ? plural(stage.maxSteps, 'step') : plural(stage.numTrainEpochs, 'epoch');
    return `Makes right answers likelier and wrong ones less likely, each on its own, for ${length} of ${plural(stage.perDeviceTrainBatchSize, 'answer')}: beta ${stage.beta}, learning rate ${small(stage.optimizer.learningRate)}.`;
  },
  settings: {
    ...preferenceWords('answers'),
    ...group('Loss', {
      lossType: {
        label: 'Loss',
        help: 'kto measures a gain from how far the policy has moved in all; apo_zero_unpaired measures it from the reference.',
        essential: true,
      },
      desirableWeight: { label: 'Weight of right answers', help: 'Raise it where right answers are few.' },
      undesirableWeight: { label: 'Weight of wrong answers', help: 'Raise it where wrong answers are few.' },
    }),
  },
  views: [],
};
