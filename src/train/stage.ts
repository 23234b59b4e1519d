/** What a stage of a run is given, and how it talks back. Stages never draw, store or wait for anything else. */
import type { RowList } from '../data/row-list.ts';
import type { Processor } from '../models/processor.ts';
import type { Generator } from './generate.ts';
import type { Policy } from './policy.ts';
import type { Sample, SampleStore } from './samples.ts';
import type { Scorer } from './scorer.ts';

/** A rollout as the group view shows it. */
export interface RolloutView {
  readonly text: string;
  readonly tokens: number;
  readonly truncated: boolean;
  readonly rewards: Readonly<Record<string, number>>;
  readonly reward: number;
  readonly advantage: number;
}

export type StageEvent =
  | { readonly type: 'progress'; readonly done: number; readonly total: number; readonly unit: string }
  | { readonly type: 'metrics'; readonly values: Readonly<Record<string, number>> }
  | { readonly type: 'group'; readonly rowId: string; readonly completions: readonly RolloutView[] }
  | {
      readonly type: 'rejection';
      readonly rowId: string;
      readonly successRate: number;
      readonly verdict: 'kept' | 'too-easy' | 'too-hard';
    }
  | { readonly type: 'notice'; readonly message: string };

export interface StageContext {
  readonly policy: Policy;
  readonly processor: Processor;
  readonly samples: SampleStore;
  readonly generator: Generator<Sample>;
  readonly seed: number;
  readonly train: RowList;
  readonly heldout: RowList;
  /** Scores with the policy as it now is. */
  scorer(): Scorer;
  emit(event: StageEvent): void;
  /** Waits while the run is paused; false: stop here and keep what there is. */
  gate(): Promise<boolean>;
}
