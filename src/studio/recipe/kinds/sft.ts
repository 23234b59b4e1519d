/** An SFT stage in the studio: its words and fields. */
import type { SftStage } from '../../../engine/presets.ts';
import { plural } from '../../ui/format.ts';
import { HELDOUT } from './heldout-words.ts';
import { CHECKPOINTING, LORA, OPTIMIZER } from './shared.ts';
import { group, small, type KindWords } from './words.ts';

export const sft: KindWords<SftStage> = {
  name: 'Supervised fine-tuning',
  sentence: (stage) => {
    const rows = stage.perDeviceTrainBatchSize * stage.gradientAccumulationSteps;
    const length = stage.maxSteps > 0 ? plural(stage.maxSteps, 'step') : plural(stage.numTrainEpochs, 'epoch');
    return `Learns the answers of the dataset for ${length} of ${plural(rows, 'row')}, rank ${stage.lora.r}, learning rate ${small(stage.optimizer.learningRate)}.`;
  },
  settings: {
    ...group('Training', {
      maxSteps: {
        label: 'Steps',
        help: 'Optimizer steps. 0 lets the epochs decide. With more steps the model fits the training answers better, and in the end overfits.',
        essential: true,
        unit: 'steps',
      },
      numTrainEpochs: {
        label: 'Epochs',
        help: 'Passes over the training rows. Used only if steps is 0.',
        essential: true,
        unit: 'epochs',
      },
      perDeviceTrainBatchSize: {
        label: 'Rows at once',
        help: 'Rows in one forward pass. More rows make the gradient smoother and take more memory.',
        essential: true,
        unit: 'rows',
      },
      gradientAccumulationSteps: {
        label: 'Accumulate',
        help: 'Passes that are summed before an optimizer step. The effect is that of more rows at once, without their memory.',
        unit: 'passes',
      },
      onlyThoughts: {
        label: 'Only rows with a thought',
        help: 'Rows without a thought are left out and counted. Off: they teach the answer.',
      },
      maxLength: {
        label: 'Longest row',
        help: 'Longer rows are reported and left out, never truncated: a truncated picture would teach nonsense. 0 leaves none out.',
        unit: 'tokens',
      },
      ...CHECKPOINTING,
      evalSteps: {
        label: 'Measure held-out loss every',
        help: 'Steps between two measurements of the loss on held-out rows, which rises when the model begins to overfit. They do not change the run. 0 measures none.',
        unit: 'steps',
      },
      evalRows: {
        label: 'Rows measured',
        help: 'Held-out rows whose loss is measured, the same every time. 0 measures all. Each measurement takes about a third of the time of as many training rows.',
        unit: 'rows',
      },
    }),
    ...HELDOUT,
    ...LORA,
    ...OPTIMIZER,
  },
  views: [],
};
