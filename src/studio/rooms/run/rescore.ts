/**
 * The reward ledger: what rewards, ranks and advantages would have been under other rules, from the recorded terms.
 * The completions stay those of the run; under other rules it would have gone on to others.
 */
import { computeAdvantages, REWARDS, weightOf, type RewardWeights } from '../../../engine/presets.ts';
import type { GroupCompletion } from '../../../engine/protocol/index.ts';

export interface WhatIf {
  readonly weights: RewardWeights;
  /** The overlap counts as 1 from this IoU on, else as 0; null: as it is. */
  readonly iouThreshold: number | null;
}

function termValue(term: string, value: number, { iouThreshold }: WhatIf): number {
  if (iouThreshold === null || term !== 'iou' || Number.isNaN(value)) return value;
  return value >= iouThreshold ? 1 : 0;
}

/**
 * A group's completions with the rewards and advantages that other rules would have given. A batch is not at hand
 * here, so the scale of one is taken from the group.
 */
export function rescore(
  completions: readonly GroupCompletion[],
  whatIf: WhatIf | null,
  scale: 'group' | 'batch' | 'none',
): readonly GroupCompletion[] {
  if (!whatIf) return completions;
  const terms = completions.map(({ rewards }) =>
    Object.fromEntries(Object.entries(rewards).map(([term, value]) => [term, termValue(term, value, whatIf)])),
  );
  const names = [...new Set(terms.flatMap((values) => Object.keys(values)))];
  const { rewards, advantages } = computeAdvantages(
    // A term that did not apply is NaN in what a run reports.
    terms.map((values) => names.map((name) => (Number.isFinite(values[name]) ? values[name]! : null))),
    names.map((name) => weightOf(whatIf.weights, name)),
    completions.length,
    { scaleRewards: scale },
  );
  return completions.map((completion, i) => ({
    ...completion,
    rewards: terms[i]!,
    reward: rewards[i] ?? NaN,
    advantage: advantages[i]!,
  }));
}

/** Whether a group's rewards differ at all: else every advantage is 0. */
export const hasSignal = (completions: readonly GroupCompletion[]): boolean => {
  const scored = completions.map(({ reward }) => reward).filter((reward) => !Number.isNaN(reward));
  return scored.some((reward) => Math.abs(reward - scored[0]!) > 1e-8);
};

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

/** A reward's label; of one that this version does not know, its name as words. */
export const termName = (name: string): string =>
  (REWARDS as Readonly<Partial<Record<string, { readonly label: string }>>>)[name]?.label ??
  name.replace(/[_-]|(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase();
