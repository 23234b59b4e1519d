/**
 * Repeats the stages before it, so that a plan can sample, learn, merge and sample again (train/rounds.ts). As it stands
 * after what it repeats, its part is always run once, and then as often as it says.
 */
import type { StageBase, StageDescriptor } from './descriptor.ts';
import { own, whole } from './schema.ts';

export interface RepeatStage extends StageBase {
  readonly kind: 'repeat';
  /** How many of the stages right before it are repeated. */
  readonly numStages: number;
  /** How often they are run in all. */
  readonly numRounds: number;
}

export const repeat: StageDescriptor<RepeatStage> = {
  kind: 'repeat',
  defaults: { kind: 'repeat', name: 'Repeat', numStages: 1, numRounds: 2 },
  schema: { numStages: whole(1, 199, own), numRounds: whole(1, 100, own) },
  trains: false,
  reads: null,
  rowsAtOnce: () => 0,
  rowsAPass: () => 0,
  rows: () => null,
  units: () => ({ count: 1, unit: 'round' }),
  brief: () => null,
  plan: () => {},
  eased: {},
  objections: () => [],
};

export const repeatStage = (part: Partial<RepeatStage> = {}): RepeatStage => ({ ...repeat.defaults, ...part });
