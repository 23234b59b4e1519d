import { describe, expect, test } from 'vitest';
import { keeps } from '../../src/engine/keep/keeper.ts';
import type { CheckpointAbout } from '../../src/engine/protocol/records.ts';
import type { VaultEntry } from '../../src/store/vault.ts';

const entry = (id: number, about: Partial<CheckpointAbout>): VaultEntry<CheckpointAbout> => ({
  id,
  bytes: 1,
  digest: '',
  at: id,
  about: { reason: 'steps', stage: 0, step: id, events: 0, score: null, ...about },
});

describe('of the checkpoints of a run', () => {
  const kept = (entries: VaultEntry<CheckpointAbout>[], last: number) =>
    [...keeps([...entries].reverse(), last)].map(({ id }) => id).sort((a, b) => a - b);

  test('the newest ones stay, and never fewer than one', () => {
    const entries = [1, 2, 3, 4].map((id) => entry(id, {}));
    expect([kept(entries, 2), kept(entries, 0), kept(entries, 9)]).toEqual([[3, 4], [4], [1, 2, 3, 4]]);
  });

  test('the ends of stages stay, and the best of the stage under way', () => {
    const entries = [
      entry(1, { score: 9 }),
      entry(2, { reason: 'stage', stage: 1, score: 1 }),
      entry(3, { stage: 1, score: 0.2 }),
      entry(4, { stage: 1, score: 5 }),
      entry(5, { stage: 1, score: 0.3 }),
      entry(6, { stage: 1, score: null }),
    ];
    expect(kept(entries, 1)).toEqual([2, 4, 6]);
  });

  test('the best of the stage under way is that of its round: an earlier one learned on other weights', () => {
    const entries = [
      entry(1, { score: 9 }),
      entry(2, { round: 1, score: 3 }),
      entry(3, { round: 1, score: 4 }),
      entry(4, { round: 1, score: 1 }),
    ];
    expect(kept(entries, 1)).toEqual([3, 4]);
  });
});
