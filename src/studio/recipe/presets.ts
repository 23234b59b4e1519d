/** Plans to start from. */
import type { Recipe } from '../../engine/protocol.ts';
import { evaluateStage, grpoStage, mergeStage, rejectionStage, sftStage } from './stages.ts';

export interface Preset {
  readonly key: string;
  readonly title: string;
  readonly about: string;
  readonly recipe: Recipe;
}

const short = { temperature: 1, topK: 0, topP: 1, maxCompletionLength: 96 } as const;

export const PRESETS: readonly Preset[] = [
  {
    key: 'quick',
    title: 'Quick look',
    about: 'Every stage of the full plan in small, for the sample: see the whole road in minutes on a GPU.',
    recipe: {
      name: 'Quick look',
      seed: 42,
      stages: [
        evaluateStage({ name: 'Before', limit: 32, maxCompletionLength: 96 }),
        sftStage({ name: 'Cold start', maxSteps: 40, optimizer: { ...sftStage().optimizer, learningRate: 1e-3 } }),
        mergeStage(),
        rejectionStage({ limit: 64, numGenerations: 4, sampling: short }),
        grpoStage({
          maxSteps: 20,
          promptsPerStep: 2,
          numGenerations: 8,
          sampling: short,
          optimizer: { ...grpoStage().optimizer, learningRate: 2e-4 },
        }),
        evaluateStage({ name: 'After', limit: 32, maxCompletionLength: 96 }),
      ],
    },
  },
  {
    key: 'full',
    title: 'Full plan',
    about:
      'Cold start with reasoning, merge, rejection sampling, rule-based reinforcement; measured before, between and after.',
    recipe: {
      name: 'Full plan',
      seed: 42,
      stages: [
        evaluateStage({ name: 'Base' }),
        sftStage({ name: 'Cold start', numTrainEpochs: 1 }),
        evaluateStage({ name: 'After cold start' }),
        mergeStage(),
        rejectionStage(),
        grpoStage(),
        evaluateStage({ name: 'After reinforcement' }),
      ],
    },
  },
  {
    key: 'supervised',
    title: 'SFT only',
    about: 'One adapter learned from the answers in the dataset. The plainest thing that works.',
    recipe: {
      name: 'Supervised only',
      seed: 42,
      stages: [
        evaluateStage({ name: 'Base' }),
        sftStage({ name: 'Fine-tuning', numTrainEpochs: 2 }),
        evaluateStage({ name: 'Tuned' }),
      ],
    },
  },
  {
    key: 'rl',
    title: 'RL only',
    about: 'For a model that already answers in the right form: keep prompts of middling difficulty, then GRPO.',
    recipe: {
      name: 'Reinforcement only',
      seed: 42,
      stages: [evaluateStage({ name: 'Base' }), rejectionStage(), grpoStage(), evaluateStage({ name: 'Tuned' })],
    },
  },
];
