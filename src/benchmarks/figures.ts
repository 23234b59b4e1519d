/** Scored answers → figures: per task with n, macro (mean of tasks) and micro (every row alike). */
import type { Scored } from './benchmark.ts';

export interface Figure {
  readonly key: string;
  /** For the user. */
  readonly words: string;
  /** 0–1. NaN of no rows. */
  readonly value: number;
  readonly n: number;
  /** Hits, where it is a share of rows. */
  readonly hits?: number;
}

export interface TaskFigures {
  readonly n: number;
  readonly unread: number;
  readonly judge: number;
  readonly figures: readonly Figure[];
}

export interface Figures {
  readonly n: number;
  /** Answers in which nothing could be read. */
  readonly unread: number;
  /** Answers that the published script would have given to a language model. */
  readonly judge: number;
  /** The one that papers print. */
  readonly main: Figure;
  readonly macro: readonly Figure[];
  readonly micro: readonly Figure[];
  /** In order of first appearance. */
  readonly tasks: Readonly<Record<string, TaskFigures>>;
  readonly others: readonly Figure[];
}

/** NaN of none. */
export const meanOf = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

type Counted = (scored: readonly Scored[]) => readonly Figure[];

export function byKey<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const mine = groups.get(key(item));
    if (mine) mine.push(item);
    else groups.set(key(item), [item]);
  }
  return groups;
}

/** @param main which figure papers print, and of which average */
export function countFigures(
  scored: readonly Scored[],
  count: Counted,
  main: { readonly key: string; readonly of: 'macro' | 'micro' },
  others: readonly Figure[] = [],
): Figures {
  const unread = (rows: readonly Scored[]) => rows.filter(({ parsed }) => !parsed).length;
  const judge = (rows: readonly Scored[]) => rows.filter((row) => row.judge).length;
  const tasks = Object.fromEntries(
    [...byKey(scored, ({ task }) => task)].map(([task, rows]): [string, TaskFigures] => [
      task,
      { n: rows.length, unread: unread(rows), judge: judge(rows), figures: count(rows) },
    ]),
  );
  const micro = count(scored);
  const each = Object.values(tasks);
  const macro = micro.map(({ key, words }, i): Figure => {
    const value = each.length ? meanOf(each.map(({ figures }) => figures[i]!.value)) : NaN;
    return { key, words, value, n: each.length };
  });
  return {
    n: scored.length,
    unread: unread(scored),
    judge: judge(scored),
    main: (main.of === 'macro' ? macro : micro).find(({ key }) => key === main.key)!,
    macro,
    micro,
    tasks,
    others,
  };
}

/** A share of rows. */
export function share(key: string, words: string, rows: readonly Scored[], hit: (row: Scored) => boolean): Figure {
  const hits = rows.filter(hit).length;
  return { key, words, value: hits / rows.length, n: rows.length, hits };
}

/** Acc@t for each threshold and the mean IoU. `above`: strictly more than t, as Ref-L4 counts. */
export const boxCounts =
  (thresholds: readonly number[], above = false): Counted =>
  (rows) => [
    ...thresholds.map((t) => share(`acc@${t}`, `Acc@${t}`, rows, ({ value }) => (above ? value > t : value >= t))),
    { key: 'mean-iou', words: 'mean IoU', value: meanOf(rows.map(({ value }) => value)), n: rows.length },
  ];

export const choiceCounts: Counted = (rows) => [share('accuracy', 'accuracy', rows, ({ value }) => value === 1)];
