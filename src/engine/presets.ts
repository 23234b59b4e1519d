/**
 * What the page may know of training without an engine: recipes and stages to start from, rewards and the arithmetic of
 * advantages, and models that are published. Data and pure functions: importing it brings no engine along.
 */
export { computeAdvantages } from '../train/advantage.ts';
export { presetRecipe, PRESETS, type Preset, type PresetName } from '../train/presets.ts';
export {
  evaluateStage,
  grpoStage,
  KINDS,
  mergeStage,
  newStage,
  optimizer,
  rejectionStage,
  sampling,
  sftStage,
} from '../train/stages/index.ts';
export {
  REWARD_NAMES,
  rewardFaults,
  REWARDS,
  weightOf,
  type RewardName,
  type RewardWeights,
} from '../train/rewards/index.ts';
export { PUBLISHED } from './model/published.ts';
