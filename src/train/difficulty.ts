/**
 * Rejection sampling as curation: keep the prompts that the policy sometimes solves. What it always solves has no
 * gradient left in a group, and neither has what it never solves.
 *
 * Source: the pipeline of arXiv 2507.00748 (bounds unverified there); bounds as in EasyR1's online filtering.
 */
import { GroundworkError } from '../base/error.ts';
import type { RejectionStage } from './recipe.ts';

export type Verdict = 'kept' | 'too-easy' | 'too-hard';
export type DifficultyBounds = Pick<RejectionStage, 'minSuccess' | 'maxSuccess'>;

/** One prompt's samples. */
export interface Attempts {
  readonly rowId: string;
  readonly samples: number;
  readonly successes: number;
}

export interface JudgedPrompt extends Attempts {
  readonly successRate: number;
  readonly verdict: Verdict;
}

export interface Curation {
  readonly prompts: readonly JudgedPrompt[];
  /** Ids of kept rows, in the order tried. */
  readonly kept: readonly string[];
  readonly counts: Readonly<Record<Verdict, number>>;
  /** Mean success rate over all prompts tried; 0 of none. */
  readonly meanSuccessRate: number;
}

/** Kept when min < rate < max, both exclusive. */
export function judge(successRate: number, { minSuccess, maxSuccess }: DifficultyBounds): Verdict {
  if (successRate >= maxSuccess) return 'too-easy';
  return successRate > minSuccess ? 'kept' : 'too-hard';
}

/** Judges all prompts. Throws `difficulty-bounds` unless 0 ≤ min < max ≤ 1, or when a count is impossible. */
export function curate(attempts: readonly Attempts[], bounds: DifficultyBounds): Curation {
  const { minSuccess, maxSuccess } = bounds;
  if (!(minSuccess >= 0 && minSuccess < maxSuccess && maxSuccess <= 1))
    throw new GroundworkError(
      'difficulty-bounds',
      `The success bounds ${minSuccess} to ${maxSuccess} keep nothing.`,
      'Choose 0 ≤ minSuccess < maxSuccess ≤ 1, for example 0 and 1.',
    );
  const prompts = attempts.map((a): JudgedPrompt => {
    if (!(a.samples > 0 && a.successes >= 0 && a.successes <= a.samples))
      throw new GroundworkError(
        'difficulty-bounds',
        `Row ${a.rowId}: ${a.successes} successes of ${a.samples} samples.`,
        'numGenerations must be at least 1.',
      );
    const successRate = a.successes / a.samples;
    return { ...a, successRate, verdict: judge(successRate, bounds) };
  });
  const count = (verdict: Verdict) => prompts.filter((p) => p.verdict === verdict).length;
  return {
    prompts,
    kept: prompts.filter((p) => p.verdict === 'kept').map((p) => p.rowId),
    counts: { kept: count('kept'), 'too-easy': count('too-easy'), 'too-hard': count('too-hard') },
    meanSuccessRate: prompts.length ? prompts.reduce((sum, p) => sum + p.successRate, 0) / prompts.length : 0,
  };
}
