/**
 * Training and held-out rows. By the files' names where they say so; else by a seeded draw over groups of rows that
 * share pictures, so that no picture is on both sides: a model that has seen the picture is no longer being tested.
 */
import { Random } from '../base/random.ts';
import type { Row } from './row.ts';

export type Split = Row['split'];

const HELDOUT = /^(?:heldout|held[-_]out|val|valid|validation|test|eval|dev)(?![a-z])/i;
const TRAIN = /^train(?![a-z])|_train(?:_|\.|$)/i;

/** What the name of a file, or of the folder it lies in, says. `validate-me.json` and `trainer.json` say nothing. */
export function splitByName(path: string): Split | null {
  for (const part of path.split('/').reverse()) {
    if (HELDOUT.test(part) || /[-_.](?:heldout|val|test|eval)\.[a-z]+$/i.test(part)) return 'heldout';
    if (TRAIN.test(part) || /[-_.]train\.[a-z]+$/i.test(part)) return 'train';
  }
  return null;
}

/** What a row says of itself: `val`, `testA`; null for words that name no part. */
export function splitByWord(word: string): Split | null {
  return HELDOUT.test(word) || /^test/i.test(word) ? 'heldout' : /^train/i.test(word) ? 'train' : null;
}

/** The pictures of rows, by number, in one list: those of row i end at `ends[i]`. */
export interface RowPictures {
  readonly ends: ArrayLike<number>;
  readonly pictures: ArrayLike<number>;
}

/** Group number of each row: rows are in one group if a chain of shared pictures joins them. Rows without pictures are alone. */
export function connectedGroups({ ends, pictures }: RowPictures): Int32Array {
  const parent = Int32Array.from({ length: ends.length }, (_, i) => i);
  const root = (i: number): number => {
    while (parent[i] !== i) i = parent[i] = parent[parent[i]!]!;
    return i;
  };
  const firstWith = new Map<number, number>();
  let at = 0;
  for (let i = 0; i < ends.length; i++)
    for (; at < ends[i]!; at++) {
      const other = firstWith.get(pictures[at]!);
      if (other === undefined) firstWith.set(pictures[at]!, i);
      else parent[root(i)] = root(other);
    }
  return parent.map((_, i) => root(i));
}

export interface SplitResult {
  readonly splits: Split[];
  readonly note: string;
}

/**
 * Draws about `share` of the rows. Groups are taken in random order as long as they fit; a group of more than half of
 * the rows stays in training. With one group only, nothing is held out.
 */
export function drawSplit(rows: RowPictures, seed: number, share = 0.1): SplitResult {
  const total = rows.ends.length;
  const groups = new Map<number, number[]>();
  for (const [i, group] of connectedGroups(rows).entries()) {
    const members = groups.get(group);
    if (members) members.push(i);
    else groups.set(group, [i]);
  }
  const splits = Array<Split>(total).fill('train');
  const order = new Random(seed).shuffle([...groups.values()]).filter((members) => members.length <= total / 2);
  const wanted = Math.max(1, Math.round(total * share));
  let held = 0;
  const hold = (members: readonly number[]) => {
    for (const i of members) splits[i] = 'heldout';
    held += members.length;
  };
  for (const members of order) if (held + members.length <= wanted) hold(members);
  if (held === 0 && order.length)
    hold(order.reduce((least, members) => (members.length < least.length ? members : least)));
  const note = held
    ? `${held} of ${total} rows ${held === 1 ? 'was' : 'were'} drawn at random to be held out (seed ${seed}). None of their pictures is used in training.`
    : 'No row could be held out, because all rows share pictures with each other. Add a file named heldout.jsonl to measure progress.';
  return { splits, note };
}
