/** A run is a list of stages, as data. What a stage of each kind has is said in its module (stages/). */
import type { PictureBudget } from '../models/picture-budget.ts';
import type { DrawSettings } from './draw-settings.ts';
import type { PromptSettings } from './prompt.ts';
import type { Stage } from './stages/index.ts';

export type { Stage } from './stages/index.ts';
export type { BackStage } from './stages/back.ts';
export type { DistillStage } from './stages/distill.ts';
export type { DpoStage } from './stages/dpo.ts';
export type { EvaluateStage } from './stages/evaluate.ts';
export type { GrpoStage } from './stages/grpo.ts';
export type { KtoStage } from './stages/kto.ts';
export type { MergeStage } from './stages/merge.ts';
export type { RejectionStage } from './stages/rejection.ts';
export type { RepeatStage } from './stages/repeat.ts';
export type { LoraSettings, OptimizerSettings, SamplingSettings } from './stages/settings.ts';
export type { SftStage } from './stages/sft.ts';
export type { SynthesiseStage } from './stages/synthesise.ts';

export interface Recipe {
  readonly name: string;
  readonly seed: number;
  /** How rows are asked; absent: as they are written. */
  readonly prompt?: PromptSettings;
  /** How training rows are drawn; absent: each once a pass, as it is. */
  readonly draw?: DrawSettings;
  /** How many pixels of a picture reach the model; absent: as the checkpoint's processor says. */
  readonly pictures?: PictureBudget;
  readonly stages: readonly Stage[];
}
