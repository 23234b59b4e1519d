/** The reward ledger: what ranks and advantages would have been under other weights, from the recorded terms. */
import type { GroupCompletion } from '../../../engine/protocol.ts';

export type Weights = Readonly<Record<string, number>>;

/** TRL's: keeps the division finite where all rewards are equal. */
const EPSILON = 1e-4;

/** Weights by a term's name as the engine writes it (`image_index`, `image-index`, `imageIndex`). */
export const weightOf = (weights: Weights, term: string): number =>
  weights[term] ?? weights[term.replace(/[_-](\w)/g, (_, c: string) => c.toUpperCase())] ?? 1;

export function rescore(
  completions: readonly GroupCompletion[],
  weights: Weights | null,
  scale: 'group' | 'batch' | 'none',
): readonly GroupCompletion[] {
  if (!weights) return completions;
  const rewards = completions.map((completion) =>
    Object.entries(completion.rewards).reduce((sum, [term, value]) => sum + weightOf(weights, term) * value, 0),
  );
  const mean = rewards.reduce((sum, r) => sum + r, 0) / rewards.length;
  // Unbiased, as TRL does. A batch is not at hand here, so its scale is taken from the group.
  const std = Math.sqrt(rewards.reduce((sum, r) => sum + (r - mean) ** 2, 0) / Math.max(1, rewards.length - 1));
  return completions.map((completion, i) => ({
    ...completion,
    reward: rewards[i]!,
    advantage: (rewards[i]! - mean) / (scale === 'none' ? 1 : std + EPSILON),
  }));
}
