/**
 * Goes back to the weights as they were after some merge of the plan, or as the run began: what was trained since is let
 * go. So one plan can try two ways from the same start, or teach the base anew each round (STaR, arXiv 2203.14465).
 * What stages have written, kept and found stays.
 */
import type { StageBase, StageDescriptor } from './descriptor.ts';
import { own, whole } from './schema.ts';

export interface BackStage extends StageBase {
  readonly kind: 'back';
  /** Merges of the plan that stay; 0: the weights are those that the run began with. */
  readonly merges: number;
}

export const back: StageDescriptor<BackStage> = {
  kind: 'back',
  defaults: { kind: 'back', name: 'Go back', merges: 0 },
  schema: { merges: whole(0, 1000, own) },
  trains: false,
  adapter: {
    needs: 'any',
    leaves: 'none',
    merges: (stage) => stage.merges,
    otherwise: {
      text: 'So many merges have not been made at this point.',
      hint: 'Count the merges before it that still hold. 0 goes back to the start of the run.',
    },
  },
  reads: null,
  rowsAtOnce: () => 0,
  rowsAPass: () => 0,
  rows: () => null,
  units: () => ({ count: 1, unit: 'step back' }),
  brief: () => null,
  plan: (_, planner) => planner.back(),
  eased: {},
  objections: () => [],
};

export const backStage = (part: Partial<BackStage> = {}): BackStage => ({ ...back.defaults, ...part });
