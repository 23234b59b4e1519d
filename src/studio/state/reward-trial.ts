/** A reward of one's own, tried on groups that a run has recorded: what it gives, and what it would have moved. */
import { GroundworkError } from '../../base/error.ts';
import { nextTurn } from '../../base/turn.ts';
import { ownInput, ownRule, type RewardWeights } from '../../engine/presets.ts';
import type { Row } from '../../engine/protocol/index.ts';
import { splitTags } from '../../grounding/parse.ts';
import { hasSignal, sumLedger, type LedgerSum } from '../rooms/run/rescore.ts';
import type { GroupRecord } from './run-records.ts';

export interface TriedGroup {
  readonly key: number;
  readonly step: number;
  readonly rowId: string;
  /** One an answer; null: it does not apply to the row. */
  readonly values: readonly (number | null)[];
  /** It tells the answers of the group apart. */
  readonly tells: boolean;
}

export interface RewardTrial {
  /** The newest first. */
  readonly groups: readonly TriedGroup[];
  /** Groups whose row is in no dataset that is open. */
  readonly without: number;
  /** What it would have changed beside the run's own rewards, at its weight. */
  readonly ledger: LedgerSum;
}

/** Groups that are tried, the newest: each answer is run in an interpreter of its own. */
export const MOST_TRIED = 40;

/**
 * @param rowOf null: the row is not at hand
 * @param weights of the stage, that of the own reward among them
 * @throws GroundworkError `own-reward` with what is wrong with the code
 */
export async function tryReward(
  code: string,
  recorded: readonly GroupRecord[],
  rowOf: (rowId: string) => Promise<Row | null>,
  weights: RewardWeights,
): Promise<RewardTrial> {
  const rule = await ownRule(code);
  const tried: { readonly record: GroupRecord; readonly values: readonly (number | null)[] }[] = [];
  let without = 0;
  for (const record of recorded.slice(-MOST_TRIED).reverse()) {
    const row = await rowOf(record.rowId);
    if (row === null) without++;
    else {
      const values = record.completions.map(({ text, think, boxes, tokens }) =>
        rule(ownInput({ text, tokens, answer: { think, answer: splitTags(text).answer, boxes } }, row)),
      );
      tried.push({ record, values });
    }
    await nextTurn();
  }
  if (tried.length === 0)
    throw new GroundworkError(
      'no-rows',
      'No recorded group can be tried.',
      recorded.length === 0
        ? 'Groups come from a GRPO stage. Run one first, or open a run file.'
        : 'Open the dataset that the run was made on.',
    );
  const scored = tried.map(({ record, values }) => ({
    completions: record.completions.map((completion, i) => ({
      ...completion,
      rewards: { ...completion.rewards, own: values[i] ?? NaN },
    })),
  }));
  return {
    groups: tried.map(({ record: { key, step, rowId, completions }, values }) => ({
      key,
      step,
      rowId,
      values,
      tells: hasSignal(completions.map((completion, i) => ({ ...completion, reward: values[i] ?? NaN }))),
    })),
    without,
    ledger: sumLedger(scored, { weights, iouThreshold: null }),
  };
}
