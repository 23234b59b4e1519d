/** A DPO stage in the studio: its words and fields. */
import { DPO_LOSS_NAMES, DPO_LOSSES, type DpoLossName, type DpoStage } from '../../../engine/presets.ts';
import { plural } from '../../ui/format.ts';
import { preferenceWords } from './preference-words.ts';
import { group, small, type KindWords, type WordsBy } from './words.ts';

const lossWords = group(
  'Losses, each with its weight',
  Object.fromEntries(
    DPO_LOSS_NAMES.map((name) => {
      const { label, summary } = DPO_LOSSES[name];
      return [
        `lossWeights.${name}`,
        {
          label,
          help: `${summary} 0 leaves it out.`,
          ...(['sigmoid', 'ipo', 'apo_zero', 'sft'].includes(name) && { essential: true }),
        },
      ];
    }),
  ),
) as WordsBy<`lossWeights.${DpoLossName}`>;

export const dpo: KindWords<DpoStage> = {
  name: 'Preferences (DPO)',
  sentence: (stage) => {
    const losses = DPO_LOSS_NAMES.filter((name) => stage.lossWeights[name] > 0).map((name) =>
      stage.lossWeights[name] === 1 ? DPO_LOSSES[name].label : `${stage.lossWeights[name]} × ${DPO_LOSSES[name].label}`,
    );
    const length = stage.maxSteps > 0 ? plural(stage.maxSteps, 'step') : plural(stage.numTrainEpochs, 'epoch');
    return `Prefers right answers to wrong ones for ${length} of ${plural(stage.perDeviceTrainBatchSize, 'pair')}: ${losses.join(' + ') || 'no loss'}, beta ${stage.beta}, learning rate ${small(stage.optimizer.learningRate)}.`;
  },
  settings: { ...preferenceWords('pairs'), ...lossWords },
  views: [],
};
