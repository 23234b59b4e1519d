/** Synthesis: thoughts for rows that have true boxes and none, by the policy itself (train/synthesis). */
import { error, warning, type StageBase, type StageDescriptor } from './descriptor.ts';
import { SAMPLED_ROWS } from './sampled-rows.ts';
import { flag, own, real, whole } from './schema.ts';
import { SAMPLING, sampling, type SamplingSettings } from './settings.ts';

export interface SynthesiseStage extends StageBase {
  readonly kind: 'synthesise';
  /** Rows to try, at most (0: all training rows with true boxes). */
  readonly limit: number;
  /** Samples a row. */
  readonly numGenerations: number;
  readonly sampling: SamplingSettings;
  /** Rows without a success are asked again with the true boxes as a hint. */
  readonly rationalise: boolean;
  /** Thoughts that stages before have written are let go, and all rows without one of their own are asked. */
  readonly anew: boolean;
  /** Kept thoughts of a row, at most. */
  readonly thoughtsPerRow: number;
  /** An answer is right at this IoU or above, in the right picture. */
  readonly iouThreshold: number;
  readonly minThoughtWords: number;
  readonly maxThoughtWords: number;
  readonly batchSize: number;
}

export const synthesise: StageDescriptor<SynthesiseStage> = {
  kind: 'synthesise',
  defaults: {
    kind: 'synthesise',
    name: 'Thoughts',
    limit: 0,
    numGenerations: 4,
    sampling: sampling(),
    rationalise: true,
    anew: false,
    thoughtsPerRow: 1,
    iouThreshold: 0.5,
    minThoughtWords: 4,
    maxThoughtWords: 200,
    batchSize: 8,
  },
  schema: {
    limit: whole(0, 1e7, own),
    numGenerations: whole(1, 256, { theirs: 8 }),
    rationalise: flag(own),
    anew: flag({ ...own, later: true }),
    thoughtsPerRow: whole(1, 64, own),
    iouThreshold: real(0, 1, own),
    minThoughtWords: whole(0, 10000, own),
    maxThoughtWords: whole(1, 10000, own),
    batchSize: whole(1, 256, own),
    ...SAMPLING,
  },
  trains: false,
  writesThoughts: true,
  startsAnew: ({ anew }) => anew,
  ...SAMPLED_ROWS,
  eased: {
    'one-row': (stage) => ({ ...stage, batchSize: 1 }),
    'fewer-completions': (stage) => ({ ...stage, numGenerations: Math.max(1, Math.floor(stage.numGenerations / 2)) }),
  },
  objections: (stage) => [
    ...(stage.minThoughtWords > stage.maxThoughtWords
      ? [error('No thought is that short and that long.', 'Every thought would be left out.')]
      : []),
    ...(stage.sampling.temperature === 0 && stage.numGenerations > 1
      ? [warning('At temperature 0 all samples of a row are the same.')]
      : []),
  ],
};

export const synthesiseStage = (part: Partial<SynthesiseStage> = {}): SynthesiseStage => ({
  ...synthesise.defaults,
  ...part,
});
