/**
 * Learning-rate schedules of transformers: a multiplier of the base learning rate at each optimizer step.
 *
 * Source: transformers 5.18 `optimization.py`; warm-up from a ratio as `TrainingArguments.get_warmup_steps`.
 */
import type { OptimizerSettings } from './recipe.ts';

export type ScheduleType = OptimizerSettings['lrSchedulerType'];

/** Optimizer steps of warm-up: a fraction of all steps, rounded up. */
export function warmupSteps(warmupRatio: number, totalSteps: number): number {
  return Math.ceil(totalSteps * warmupRatio);
}

/**
 * Multiplier for optimizer step `step`, counting from 0 (the rate that step's update uses; the first step of a warm-up
 * has rate 0). `constant` ignores the warm-up, as in transformers. Past the end, `linear` stays 0, but `cosine`
 * climbs again as transformers' does: a run never goes there.
 */
export function learningRateMultiplier(type: ScheduleType, step: number, warmup: number, totalSteps: number): number {
  if (type === 'constant') return 1;
  if (step < warmup) return step / Math.max(1, warmup);
  if (type === 'constant_with_warmup') return 1;
  const span = Math.max(1, totalSteps - warmup);
  if (type === 'linear') return Math.max(0, (totalSteps - step) / span);
  return Math.max(0, 0.5 * (1 + Math.cos((Math.PI * (step - warmup)) / span)));
}

/** Learning rate of optimizer step `step` (from 0) of `totalSteps`. */
export function learningRateAt(
  step: number,
  totalSteps: number,
  settings: Pick<OptimizerSettings, 'learningRate' | 'lrSchedulerType' | 'warmupRatio'>,
): number {
  return (
    settings.learningRate *
    learningRateMultiplier(settings.lrSchedulerType, step, warmupSteps(settings.warmupRatio, totalSteps), totalSteps)
  );
}
