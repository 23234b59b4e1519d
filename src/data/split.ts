/**
 * Training and held-out rows. By the files' names where they say so; else by a seeded draw over groups of rows that
 * share pictures, so that no picture is on both sides: a model that has seen the picture is no longer being tested.
 */
import { Random } from '../base/random.ts';
import type { Row } from './row.ts';

export type Split = Row['split'];

/** Of the rows, to be held out, where nothing else is said. */
export const HELDOUT_SHARE = 0.1;

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
 * Draws about `share` of the rows of every task. Groups are taken in random order as long as they fit; a group of more
 * than half of the rows stays in training. With one group only, nothing is held out. `tasks`: a number for each row.
 */
export function drawSplit(
  rows: RowPictures,
  seed: number,
  share = HELDOUT_SHARE,
  tasks?: ArrayLike<number>,
): SplitResult {
  const total = rows.ends.length;
  const taskOf = (row: number): number => tasks?.[row] ?? 0;
  const groups = new Map<number, number[]>();
  const sizes = new Map<number, number>();
  for (const [i, group] of connectedGroups(rows).entries()) {
    const members = groups.get(group);
    if (members) members.push(i);
    else groups.set(group, [i]);
    sizes.set(taskOf(i), (sizes.get(taskOf(i)) ?? 0) + 1);
  }
  const splits = Array<Split>(total).fill('train');
  const order = new Random(seed).shuffle([...groups.values()]).filter((members) => members.length <= total / 2);
  const wanted = new Map([...sizes].map(([task, n]) => [task, Math.max(1, Math.round(n * share))]));
  const most = Math.max(1, Math.round(total * share));
  const held = new Map<number, number>();
  let count = 0;
  const room = (task: number, more: number): boolean => (held.get(task) ?? 0) + more <= wanted.get(task)!;
  const hold = (members: readonly number[]) => {
    for (const i of members) {
      splits[i] = 'heldout';
      held.set(taskOf(i), (held.get(taskOf(i)) ?? 0) + 1);
    }
    count += members.length;
  };
  const byTask = (members: readonly number[]): Map<number, number> => {
    const counts = new Map<number, number>();
    for (const i of members) counts.set(taskOf(i), (counts.get(taskOf(i)) ?? 0) + 1);
    return counts;
  };
  const taken = new Set<readonly number[]>();
  for (const members of order)
    if ([...byTask(members)].every(([task, n]) => room(task, n))) {
      taken.add(members);
      hold(members);
    }
  // A task of which no group fitted: the smallest that leaves it rows to train on.
  for (const [task, n] of sizes) {
    if ((held.get(task) ?? 0) > 0 || n < 2) continue;
    const fitting = order.filter((members) => {
      const counts = byTask(members);
      return (
        !taken.has(members) &&
        counts.has(task) &&
        [...counts].every(([each, k]) => k + (held.get(each) ?? 0) < sizes.get(each)!)
      );
    });
    const least = fitting.reduce<readonly number[] | null>((a, b) => (!a || b.length < a.length ? b : a), null);
    if (least && count + least.length <= Math.max(2 * most, total / 4)) {
      taken.add(least);
      hold(least);
    }
  }
  if (count === 0 && order.length)
    hold(order.reduce((least, members) => (members.length < least.length ? members : least)));
  const note = count
    ? `${count} of ${total} rows ${count === 1 ? 'was' : 'were'} drawn at random to be held out (seed ${seed}), of every task where it could be. None of their pictures is used in training.`
    : 'No row could be held out, because all rows share pictures with each other. Add a file named heldout.jsonl to measure progress.';
  return { splits, note };
}

/** What a split leaves without rows: said before a run, because nothing can be trained or measured there. */
export function shortfallsOf(
  tasks: readonly { readonly name: string; readonly train: number; readonly heldout: number }[],
): string[] {
  const total = (part: Split) => tasks.reduce((sum, task) => sum + task[part], 0);
  const [train, heldout] = [total('train'), total('heldout')];
  if (train + heldout === 0) return [];
  if (train === 0) return ['There are no training rows: nothing can be trained.'];
  if (heldout === 0)
    return ['No row is held out: evaluations have nothing to measure, and nothing shows whether the model overfits.'];
  const missing = tasks
    .filter((task) => task.train > 0 && task.heldout === 0)
    .map(({ name }) => name || 'rows without a task');
  if (!missing.length) return [];
  const named = missing.slice(0, 5).join(', ') + (missing.length > 5 ? ` and ${missing.length - 5} more` : '');
  return [`Never held out, so not measured: ${named}. They are too few, or share pictures with the training rows.`];
}
