/**
 * What the page may know of training without an engine: recipes and stages to start from, rewards and the arithmetic of
 * advantages, and models that are published. Data and pure functions: importing it brings no engine along.
 */
export { COMPOSED_KINDS, MAX_COMPOSED_PICTURES } from '../data/dataset-ref.ts';
export { AGGREGATIONS, computeAdvantages, DIFFICULTY_WEIGHTS, ESTIMATORS } from '../train/advantage.ts';
export { presetRecipe, PRESETS, type Preset, type PresetName } from '../train/presets.ts';
export { DRAW, DRAW_SCHEMA, MIX_BY, type DrawSettings, type MixBy } from '../train/draw-settings.ts';
export { PICTURES_SCHEMA } from '../train/picture-settings.ts';
export { BUDGET_KEYS, budgetKey, limitsFault, ownPart, strayKeys } from '../models/picture-budget.ts';
export { VARIATIONS, type Variation } from '../data/variation/vary.ts';
export {
  ANSWER_FORMS,
  askedHow,
  PROMPT,
  PROMPT_SCHEMA,
  PROMPT_TEMPLATES,
  type AskedHow,
  type PromptSettings,
} from '../train/prompt.ts';
export { visitsOf } from '../train/rounds.ts';
export { picturesUnder, serveSnippets, type Snippet } from '../train/serve-snippets.ts';
export { DEFAULT_PRECISION, GGUF_PRECISIONS, PRECISIONS } from '../train/gguf/precisions.ts';
export { advise, codeOf, type Advice } from '../train/recipe-check.ts';
export { parseRecipe, readRecipe, requireRecipe, sayFault } from '../train/recipe-schema.ts';
export {
  descriptorOf,
  backStage,
  distillStage,
  dpoStage,
  evaluateStage,
  grpoStage,
  KINDS,
  ktoStage,
  mergeStage,
  newStage,
  optimizer,
  rejectionStage,
  repeatStage,
  sampling,
  sftStage,
  STAGES,
  synthesiseStage,
  type Stage,
  type StageKind,
  type StageOf,
} from '../train/stages/index.ts';
export type { StageBase } from '../train/stages/descriptor.ts';
export { getAt, nameOf, setAt, type RequiredPath, type Spec } from '../train/stages/schema.ts';
export type {
  BackStage,
  DistillStage,
  DpoStage,
  EvaluateStage,
  GrpoStage,
  KtoStage,
  MergeStage,
  RejectionStage,
  RepeatStage,
  SftStage,
  SynthesiseStage,
} from '../train/recipe.ts';
export { LOSS_TYPES, lossFaults, lossOf, RATIO_LEVELS, type LossType } from '../train/losses/index.ts';
export { DPO_LOSS_NAMES, DPO_LOSSES, type DpoLossName } from '../train/preferences/dpo-losses.ts';
export { COMBINATIONS, type Combination, type CombinationKind } from '../train/merging/combinations.ts';
export { TEACH_DEFAULTS, TEACHER_SPACES } from '../train/synthesis/teach-settings.ts';
export type { Setting, Settings } from '../train/setting.ts';
export {
  REWARD_NAMES,
  rewardFaults,
  REWARDS,
  weightOf,
  type RewardName,
  type RewardWeights,
} from '../train/rewards/index.ts';
export { CODE_EXAMPLE, ownInput, ownRule } from '../train/rewards/own-code.ts';
export { PUBLISHED } from './model/published.ts';
