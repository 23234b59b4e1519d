/** Rejection sampling: prompts that the policy sometimes solves are kept (train/rejection.ts, train/difficulty.ts). */
import { error, warning, type StageBase, type StageDescriptor } from './descriptor.ts';
import { SAMPLED_ROWS } from './sampled-rows.ts';
import { own, real, whole } from './schema.ts';
import { SAMPLING, sampling, type SamplingSettings } from './settings.ts';

export interface RejectionStage extends StageBase {
  readonly kind: 'rejection';
  /** Prompts to try, at most (0: all training rows). */
  readonly limit: number;
  /** Samples a prompt. */
  readonly numGenerations: number;
  readonly sampling: SamplingSettings;
  /** A sample succeeds at this IoU or above, in the right picture. */
  readonly iouThreshold: number;
  /** Kept: minSuccess < success rate < maxSuccess. */
  readonly minSuccess: number;
  readonly maxSuccess: number;
  readonly batchSize: number;
  /** Right and wrong answers of each kept prompt that are handed on, at most so many of either; 0: none. */
  readonly answersKept?: number;
}

export const rejection: StageDescriptor<RejectionStage> = {
  kind: 'rejection',
  // Success is IoU 0.5 in the right image; kept is what neither always nor never succeeds.
  defaults: {
    kind: 'rejection',
    name: 'Rejection sampling',
    limit: 0,
    numGenerations: 8,
    sampling: sampling(),
    iouThreshold: 0.5,
    minSuccess: 0,
    maxSuccess: 1,
    batchSize: 8,
    answersKept: 0,
  },
  schema: {
    limit: whole(0, 1e7, own),
    numGenerations: whole(1, 256, { theirs: 8 }),
    iouThreshold: real(0, 1, own),
    minSuccess: real(0, 1, own),
    maxSuccess: real(0, 1, own),
    batchSize: whole(1, 256, own),
    answersKept: whole(0, 256, { ...own, optional: true }),
    ...SAMPLING,
  },
  trains: false,
  answers: { needs: false, gives: ({ answersKept = 0 }) => answersKept > 0 },
  ...SAMPLED_ROWS,
  eased: {
    'one-row': (stage) => ({ ...stage, batchSize: 1 }),
    'fewer-completions': (stage) => ({ ...stage, numGenerations: Math.max(2, Math.floor(stage.numGenerations / 2)) }),
  },
  objections: (stage) => [
    ...(stage.minSuccess >= stage.maxSuccess
      ? [error('No success rate is between these bounds.', 'Every prompt would be left out.')]
      : []),
    ...(stage.sampling.temperature === 0
      ? [warning('At temperature 0 all samples of a prompt are the same, so each prompt is solved always or never.')]
      : []),
  ],
};

export const rejectionStage = (part: Partial<RejectionStage> = {}): RejectionStage => ({
  ...rejection.defaults,
  ...part,
});
