/** Words for a stage's loss, from the table of losses. */
import { LOSS_TYPES, lossOf } from '../../../engine/presets.ts';
import { ownWords } from './own-words.ts';

const KINDS = LOSS_TYPES.map((type) => `${type}: ${lossOf(type).summary}`).join(' ');

export const LOSS = {
  lossType: {
    label: 'Loss',
    help: `How the ratio of new to old probabilities is used, and how tokens are averaged. ${KINDS}`,
  },
  epsilon: {
    label: 'Clip below',
    help: 'The lower bound of the policy ratio is 1 − ε. A smaller ε is safer and slower. gmpo: in log space.',
  },
  epsilonHigh: {
    label: 'Clip above',
    help: 'Upper bound of the ratio is 1 + ε; cispo takes it as the bound itself. DAPO uses 0.28: room for rare tokens keeps the entropy up.',
  },
  importanceSamplingLevel: {
    label: 'Ratio of',
    help: 'Whose probability ratio is taken. token: each token’s own. sequence: the geometric mean over its completion (GSPO), with clips near 3e-4. sequence_token: the same value, but each token’s own gradient; the KL is then never weighted.',
  },
  delta: {
    label: 'Cap of the ratio',
    help: 'Limits the ratio for bad completions too, so that one token cannot upset the policy. It must be above 1 + ε. 0 is off.',
  },
  topEntropyQuantile: {
    label: 'Top-entropy tokens',
    help: 'Learns only from this share of the tokens: those of highest entropy, where the policy decides. 1 is all, 0.2 is usual. It costs one more forward pass.',
    unit: 'share',
  },
  offPolicyMaskThreshold: {
    label: 'Mask off-policy completions',
    help: 'Bad completions whose log-probability fell by more than this (mean over tokens) are left out. It matters when rollouts are used more than once. 0 is off.',
    unit: 'nats',
  },
  ...Object.fromEntries(LOSS_TYPES.flatMap((type) => ownWords(`lossSettings.${type}`, lossOf(type).settings))),
} as const;
