/** A GRPO stage in the studio: its words, fields and views. */
import { lazy } from 'react';
import type { GrpoStage } from '../../../engine/presets.ts';
import { plural } from '../../ui/format.ts';
import { LOSS } from './loss-words.ts';
import { REWARDS } from './reward-words.ts';
import { HELDOUT } from './heldout-words.ts';
import { CHECKPOINTING, LORA, OPTIMIZER, SAMPLING } from './shared.ts';
import { group, small, type KindWords } from './words.ts';

const GroupView = lazy(() => import('../../rooms/run/group-view.tsx').then((m) => ({ default: m.GroupView })));
const LedgerView = lazy(() => import('../../rooms/run/ledger.tsx').then((m) => ({ default: m.LedgerView })));

export const grpo: KindWords<GrpoStage> = {
  name: 'GRPO',
  sentence: (stage) =>
    `${plural(stage.maxSteps, 'step')} of ${plural(stage.promptsPerStep, 'prompt')} × ${stage.numGenerations} completions, each scored by rules, rank ${stage.lora.r}, learning rate ${small(stage.optimizer.learningRate)}.`,
  settings: {
    ...group('Training', {
      maxSteps: {
        label: 'Steps',
        help: 'Optimizer steps. Watch reward and entropy: when they no longer change, more steps do nothing.',
        essential: true,
        unit: 'steps',
      },
      promptsPerStep: {
        label: 'Prompts per step',
        help: 'Groups in one optimizer step. More groups steady the gradient and make each step longer.',
        essential: true,
        unit: 'groups',
      },
      numGenerations: {
        label: 'Group size',
        help: 'Completions of one prompt. The advantage compares them with each other. Larger groups separate skill from luck.',
        essential: true,
        unit: 'completions',
      },
      beta: {
        label: 'KL coefficient',
        help: 'Strength of the pull towards the reference policy, which is the model with its adapter off. 0 is off (the default of TRL).',
        essential: true,
      },
      useBiasCorrectionKl: {
        label: 'Correct the KL',
        help: 'Weights the KL term by the policy ratio. Its gradient is then that of the true KL, also when rollouts are used more than once.',
      },
      entropyCoef: {
        label: 'Entropy bonus',
        help: 'Rewards the policy for exploring. If entropy collapses, 0.001 to 0.01 keeps it up. Higher values make answers random.',
      },
      useAdaptiveEntropy: {
        label: 'Adapt the bonus',
        help: 'Raises the entropy bonus while the entropy is below the target, and lowers it above the target.',
      },
      entropyTarget: {
        label: 'Entropy target',
        help: 'Mean entropy per token. The adapted bonus acts and grows below it.',
        unit: 'nats',
      },
      entropyCoefDelta: { label: 'Bonus step', help: 'How much the adapted bonus changes after each step.' },
      entropyCoefMin: { label: 'Least bonus', help: 'The adapted bonus never falls below this.' },
      entropyCoefMax: { label: 'Largest bonus', help: 'The adapted bonus never rises above this.' },
      ...LOSS,
      numIterations: {
        label: 'Updates per rollout',
        help: 'μ: how often the same rollouts are used. More updates save sampling, but drift from the policy that sampled.',
        unit: 'updates',
      },
      scaleRewards: {
        label: 'Advantage scale',
        help: 'What the centred reward is divided by. group: the deviation of the group, so that every group counts the same. none: nothing.',
      },
      multiObjectiveAggregation: {
        label: 'Sum of rewards',
        help: 'sum_then_normalize: rewards are summed, then compared. normalize_then_sum (GDPO): each reward is compared first, so that none dominates. The sum is then scaled over the batch.',
      },
      advantageEstimator: {
        label: 'Compared with',
        help: 'grpo: the mean of the group. rloo: the mean of the others in the group, which is unbiased. It is scaled over the batch, or not at all.',
      },
      maskTruncatedCompletions: {
        label: 'Leave out truncated',
        help: 'Truncated completions do not count in the loss, so a completion is not blamed for being truncated.',
      },
      ...CHECKPOINTING,
    }),
    ...group('Group selection', {
      maxResamples: {
        label: 'Replace idle groups',
        help: 'Groups with equal rewards teach nothing. Other prompts replace theirs, in at most this many rounds of sampling (DAPO’s dynamic sampling). 0 is off. 3 is usual.',
        unit: 'rounds',
      },
      replayBufferSize: {
        label: 'Replay buffer',
        help: 'How many of the most useful groups of earlier steps are kept. They replace groups with equal rewards. 0 is off. TRL uses 64.',
        unit: 'groups',
      },
      difficultyWeight: {
        label: 'Weight of hard prompts',
        help: 'Groups with a lower mean overlap count more (UniVG-R1). exp: from 1 to 2.7. log: from 0 to 3.9. none: all the same.',
      },
    }),
    ...REWARDS,
    ...SAMPLING,
    ...HELDOUT,
    ...LORA,
    ...OPTIMIZER,
  },
  views: [
    {
      key: 'groups',
      title: 'Groups',
      count: ({ groups }) => groups.length,
      body: ({ pinned, pin, whatIf, suppose }) => (
        <GroupView pinned={pinned} onPin={pin} whatIf={whatIf} onWhatIf={suppose} />
      ),
    },
    {
      key: 'ledger',
      title: 'Ledger',
      body: ({ pin, whatIf, suppose, open }) => (
        <LedgerView
          whatIf={whatIf}
          onChange={suppose}
          onLook={(key) => {
            pin(key);
            open('groups');
          }}
        />
      ),
    },
  ],
};
