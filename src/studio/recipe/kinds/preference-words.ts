/** Words for the settings that the stages which learn from judged answers share. */
import { HELDOUT } from './heldout-words.ts';
import { CHECKPOINTING, LORA, OPTIMIZER } from './shared.ts';
import { group } from './words.ts';

/** @param items what an optimizer step is made of, in the plural */
export const preferenceWords = (items: string) => ({
  ...group('Training', {
    maxSteps: {
      label: 'Steps',
      help: 'Optimizer steps. 0 lets the epochs decide. More steps move the policy further from the reference.',
      essential: true,
      unit: 'steps',
    },
    numTrainEpochs: {
      label: 'Epochs',
      help: `Passes over the ${items}. Used only if steps is 0.`,
      essential: true,
      unit: 'epochs',
    },
    perDeviceTrainBatchSize: {
      label: `${items[0]!.toUpperCase()}${items.slice(1)} a step`,
      help: `How many ${items} an optimizer step learns from. More make the gradient smoother. They pass one by one, so memory stays the same.`,
      essential: true,
      unit: items,
    },
    beta: {
      label: 'Beta',
      help: 'How strongly the policy is held to the reference, which is the model with its adapter off. Lower moves further.',
      essential: true,
    },
    maxCompletionLength: {
      label: 'Longest completion',
      help: 'Longer answers are left out and reported. Set it to that of rejection sampling.',
      unit: 'tokens',
    },
    ...CHECKPOINTING,
  }),
  ...HELDOUT,
  ...LORA,
  ...OPTIMIZER,
});
