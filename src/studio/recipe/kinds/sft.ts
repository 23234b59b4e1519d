import type { SftStage } from '../../../engine/presets.ts';
import { plural } from '../../ui/format.ts';
import { CHECKPOINTING, LORA, OPTIMIZER } from './shared.ts';
import { group, small, type KindWords } from './words.ts';

export const sft: KindWords<SftStage> = {
  name: 'Supervised fine-tuning',
  sentence: (stage) => {
    const rows = stage.perDeviceTrainBatchSize * stage.gradientAccumulationSteps;
    const length = stage.maxSteps > 0 ? plural(stage.maxSteps, 'step') : plural(stage.numTrainEpochs, 'epoch');
    return `Learns the dataset's own answers for ${length} of ${plural(rows, 'row')}, rank ${stage.lora.r}, learning rate ${small(stage.optimizer.learningRate)}.`;
  },
  settings: {
    ...group('Training', {
      maxSteps: {
        label: 'Steps',
        help: 'Optimizer steps; 0 lets the epochs decide. More learn the answers better, in the end by heart.',
        essential: true,
        unit: 'steps',
      },
      numTrainEpochs: {
        label: 'Epochs',
        help: 'Passes over the training rows, if steps is 0.',
        essential: true,
        unit: 'epochs',
      },
      perDeviceTrainBatchSize: {
        label: 'Rows at once',
        help: 'Packed into one forward pass. More smooth the gradient and take more memory.',
        essential: true,
        unit: 'rows',
      },
      gradientAccumulationSteps: {
        label: 'Accumulate',
        help: 'Passes summed before an optimizer step: the effect of more rows at once without their memory.',
        unit: 'passes',
      },
      maxLength: {
        label: 'Longest row',
        help: 'Longer rows are reported and left out, never cut: a cut image block trains nonsense. 0 leaves none out.',
        unit: 'tokens',
      },
      ...CHECKPOINTING,
    }),
    ...LORA,
    ...OPTIMIZER,
  },
  views: [],
};
