/** Folds the trained adapter into the policy; the next stage starts from the merged weights (Policy.merge). */
import type { StageBase, StageDescriptor } from './descriptor.ts';

export interface MergeStage extends StageBase {
  readonly kind: 'merge';
}

export const merge: StageDescriptor<MergeStage> = {
  kind: 'merge',
  defaults: { kind: 'merge', name: 'Merge' },
  schema: {},
  trains: false,
  adapter: {
    needs: 'open',
    leaves: 'none',
    merges: (_, before) => before + 1,
    otherwise: {
      text: 'There is no adapter to merge at this point.',
      hint: 'Put the merge after an SFT or GRPO stage.',
    },
  },
  reads: null,
  rowsAtOnce: () => 0,
  rowsAPass: () => 0,
  rows: () => null,
  units: () => ({ count: 1, unit: 'merge' }),
  brief: () => null,
  plan: (_, planner) => planner.merge(),
  eased: {},
  objections: () => [],
};

export const mergeStage = (part: Partial<MergeStage> = {}): MergeStage => ({ ...merge.defaults, ...part });
