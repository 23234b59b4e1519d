/**
 * The reward ledger: what rewards, ranks and advantages would have been under other rules, from the recorded terms.
 * The completions stay those of the run; under other rules it would have gone on to others.
 */
import type { GroupCompletion } from '../../../engine/protocol/index.ts';

export type Weights = Readonly<Record<string, number>>;

export interface WhatIf {
  readonly weights: Weights;
  /** The overlap counts as 1 from this IoU on, else as 0; null: as it is. */
  readonly iouThreshold: number | null;
}

/** TRL's: keeps the division finite where all rewards are equal. */
const EPSILON = 1e-4;

/** Weights by a term's name as the engine writes it (`image_index`, `image-index`, `imageIndex`). */
export const weightOf = (weights: Weights, term: string): number =>
  weights[term] ?? weights[term.replace(/[_-](\w)/g, (_, c: string) => c.toUpperCase())] ?? 1;

function termValue(term: string, value: number, { iouThreshold }: WhatIf): number {
  if (iouThreshold === null || term !== 'iou' || Number.isNaN(value)) return value;
  return value >= iouThreshold ? 1 : 0;
}

export function rescore(
  completions: readonly GroupCompletion[],
  whatIf: WhatIf | null,
  scale: 'group' | 'batch' | 'none',
): readonly GroupCompletion[] {
  if (!whatIf) return completions;
  const terms = completions.map(({ rewards }) =>
    Object.fromEntries(Object.entries(rewards).map(([term, value]) => [term, termValue(term, value, whatIf)])),
  );
  // A term that did not apply (NaN) is left out, as in the run.
  const rewards = terms.map((values) =>
    Object.entries(values).reduce(
      (sum, [term, value]) => sum + (Number.isNaN(value) ? 0 : weightOf(whatIf.weights, term) * value),
      0,
    ),
  );
  const { mean, std } = spreadOf(rewards);
  // Unbiased, as TRL does. A batch is not at hand here, so its scale is taken from the group.
  return completions.map((completion, i) => ({
    ...completion,
    rewards: terms[i]!,
    reward: rewards[i]!,
    advantage: (rewards[i]! - mean) / (scale === 'none' ? 1 : std + EPSILON),
  }));
}

function spreadOf(rewards: readonly number[]): { mean: number; std: number } {
  const mean = rewards.reduce((sum, r) => sum + r, 0) / rewards.length;
  const squares = rewards.reduce((sum, r) => sum + (r - mean) ** 2, 0);
  return { mean, std: Math.sqrt(squares / Math.max(1, rewards.length - 1)) };
}

/** Whether a group's rewards differ at all: else every advantage is 0. */
export const hasSignal = (completions: readonly GroupCompletion[]): boolean =>
  spreadOf(completions.map(({ reward }) => reward)).std > 1e-8;

/** Pairs of completions that changed places, as a share of all pairs. */
export function reordered(before: readonly GroupCompletion[], after: readonly GroupCompletion[]): number {
  let [pairs, moved] = [0, 0];
  for (let i = 0; i < before.length; i++)
    for (let j = i + 1; j < before.length; j++) {
      pairs++;
      const order = (c: readonly GroupCompletion[]) => Math.sign(near(c[i]!.reward - c[j]!.reward));
      if (order(before) !== order(after)) moved++;
    }
  return pairs > 0 ? moved / pairs : 0;
}

/** Sums in another order differ in their last bits; that is no other rank. */
const near = (difference: number): number => (Math.abs(difference) < 1e-9 ? 0 : difference);

export interface LedgerSum {
  readonly groups: number;
  readonly signalBefore: number;
  readonly signalAfter: number;
  /** Share of pairs that changed places, mean over groups. */
  readonly reordered: number;
  /** Groups by how much they moved, most first. */
  readonly moved: readonly { readonly index: number; readonly reordered: number; readonly gained: number }[];
}

/** The ledger of many groups. */
export function sumLedger(
  groups: readonly { readonly completions: readonly GroupCompletion[] }[],
  whatIf: WhatIf,
): LedgerSum {
  let [signalBefore, signalAfter, all] = [0, 0, 0];
  const moved = groups.map(({ completions }, index) => {
    const after = rescore(completions, whatIf, 'group');
    const [was, is] = [Number(hasSignal(completions)), Number(hasSignal(after))];
    signalBefore += was;
    signalAfter += is;
    const share = reordered(completions, after);
    all += share;
    return { index, reordered: share, gained: is - was };
  });
  return {
    groups: groups.length,
    signalBefore,
    signalAfter,
    reordered: groups.length > 0 ? all / groups.length : 0,
    moved: moved
      .filter((group) => group.reordered > 0 || group.gained !== 0)
      .sort((a, b) => b.reordered - a.reordered || b.gained - a.gained),
  };
}

/** A reward's name as words: `image_index` and `imageIndex` as image index, `iou` as IoU. */
export const termName = (name: string): string =>
  name
    .replace(/[_-]|(?<=[a-z])(?=[A-Z])/g, ' ')
    .toLowerCase()
    .replace(/\biou\b/, 'IoU');
