/** Runs before the one in view, to lay under its curves: those of this page, and those opened from run files. */
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { SeriesBook } from '../charts/series-book.ts';

export interface PastRun {
  readonly key: string;
  readonly name: string;
  readonly book: SeriesBook;
  /** Drawn under the run in view. */
  readonly shown: boolean;
}

export interface PastRuns {
  readonly runs: readonly PastRun[];
  /** Adds a run, or replaces the one with its key. The newest is shown. */
  add(run: Omit<PastRun, 'shown'>): void;
  show(key: string, shown: boolean): void;
}

/** More lines than this in one chart cannot be told apart. */
export const MOST_SHOWN = 3;

export function createPastRuns(): StoreApi<PastRuns> {
  return createStore<PastRuns>()((set) => ({
    runs: [],
    add: (run) =>
      set(({ runs }) => {
        const others = runs.filter(({ key }) => key !== run.key);
        return { runs: limit([{ ...run, shown: true }, ...others]) };
      }),
    show: (key, shown) =>
      set(({ runs }) => {
        const changed = runs.map((run) => (run.key === key ? { ...run, shown } : run));
        // What was just asked for stays; of the others the oldest give way.
        const first = changed.findIndex((run) => run.key === key);
        return { runs: shown ? limit(changed, first) : changed };
      }),
  }));
}

/** At most `MOST_SHOWN` are shown: `keep` and the newest. */
function limit(runs: readonly PastRun[], keep = 0): readonly PastRun[] {
  let left = MOST_SHOWN - 1;
  return runs.map((run, i) => (i === keep || !run.shown ? run : { ...run, shown: left-- > 0 }));
}
