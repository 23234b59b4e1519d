/** What every stage that learns may measure on held-out rows while it learns, and what follows from it. */
import { choice, own, whole, type Schema } from './schema.ts';

/** Held-out rows of benchmarks and others, only those of benchmarks, or only the others. */
export const BENCHMARK_ROWS = ['with', 'only', 'without'] as const;
/** What the best checkpoint is chosen by; `eval_loss` is measured by SFT. */
export const BEST_METRICS = ['none', 'eval_accuracy', 'eval_mean_iou', 'eval_loss'] as const;

export interface HeldoutSettings {
  /** Steps between two measurements of accuracy; 0: it is not measured. */
  readonly every: number;
  /** Rows answered, a fixed draw; 0: all. */
  readonly limit: number;
  readonly benchmark: (typeof BENCHMARK_ROWS)[number];
  readonly maxCompletionLength: number;
  /** The best checkpoint by it is kept beside the last. */
  readonly metricForBestModel: (typeof BEST_METRICS)[number];
  /** Measurements without a better one after which the stage ends; 0: it does not end early. */
  readonly earlyStoppingPatience: number;
}

export const NOT_MEASURED: HeldoutSettings = {
  every: 0,
  limit: 64,
  benchmark: 'with',
  maxCompletionLength: 256,
  metricForBestModel: 'none',
  earlyStoppingPatience: 0,
};

const later = { ...own, later: true } as const;

export const HELDOUT: Schema<{ readonly heldout: HeldoutSettings }> = {
  'heldout.every': whole(0, 1e7, later),
  'heldout.limit': whole(0, 1e6, later),
  'heldout.benchmark': choice(BENCHMARK_ROWS, later),
  'heldout.maxCompletionLength': whole(1, 8192, later),
  'heldout.metricForBestModel': choice(BEST_METRICS, later),
  'heldout.earlyStoppingPatience': whole(0, 1e6, later),
};

/** Answers decoded together. */
export const HELDOUT_AT_ONCE = 4;

/** A stage that is measured. */
export interface Measured {
  readonly heldout: HeldoutSettings;
}

export const heldoutOf = (stage: object): HeldoutSettings => (stage as Partial<Measured>).heldout ?? NOT_MEASURED;
