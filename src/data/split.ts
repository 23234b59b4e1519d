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

/** Group number of each row: rows are in one group if a chain of shared pictures joins them. Rows without pictures are alone. */
export function connectedGroups(rows: readonly Pick<Row, 'images'>[]): number[] {
  const parent = rows.map((_, i) => i);
  const root = (i: number): number => {
    while (parent[i] !== i) i = parent[i] = parent[parent[i]!]!;
    return i;
  };
  const firstWith = new Map<string, number>();
  for (const [i, { images }] of rows.entries())
    for (const image of images) {
      const other = firstWith.get(image);
      if (other === undefined) firstWith.set(image, i);
      else parent[root(i)] = root(other);
    }
  return rows.map((_, i) => root(i));
}

export interface SplitResult {
  readonly splits: Split[];
  readonly note: string;
}

/**
 * Draws about `share` of the rows. Groups are taken in random order as long as they fit; a group of more than half of
 * the rows stays in training. With one group only, nothing is held out.
 */
export function drawSplit(rows: readonly Pick<Row, 'images'>[], seed: number, share = 0.1): SplitResult {
  const groups = new Map<number, number[]>();
  for (const [i, group] of connectedGroups(rows).entries()) {
    const members = groups.get(group);
    if (members) members.push(i);
    else groups.set(group, [i]);
  }
  const splits = rows.map((): Split => 'train');
  const order = new Random(seed).shuffle([...groups.values()]).filter((members) => members.length <= rows.length / 2);
  const wanted = Math.max(1, Math.round(rows.length * share));
  let held = 0;
  const hold = (members: readonly number[]) => {
    for (const i of members) splits[i] = 'heldout';
    held += members.length;
  };
  for (const members of order) if (held + members.length <= wanted) hold(members);
  if (held === 0 && order.length)
    hold(order.reduce((least, members) => (members.length < least.length ? members : least)));
  const note = held
    ? `No file is named as held out: ${held} of ${rows.length} rows were drawn (seed ${seed}), none of whose pictures is used in training.`
    : 'Nothing could be held out: all rows share pictures with each other. Add a file named heldout.jsonl to measure progress.';
  return { splits, note };
}
