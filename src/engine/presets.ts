/** Recipes and stages to start from, and models that are published. Plain data: importing it brings no engine along. */
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
export { PUBLISHED } from './model/published.ts';
