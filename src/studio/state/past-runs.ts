/** Runs before the one in view, to lay under its curves: those of this page or its project, and those from run files. */
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { EngineClient } from '../../engine/client.ts';
import type { Recipe, RunRecord } from '../../engine/protocol/index.ts';
import { SeriesBook } from '../charts/series-book.ts';
import { addPoint, nameOf } from './run.ts';

export interface PastRun {
  readonly key: string;
  readonly name: string;
  readonly book: SeriesBook;
  /** Its plan, where it is known. */
  readonly recipe: Recipe | null;
  /** Drawn under the run in view. */
  readonly shown: boolean;
}

export interface PastRuns {
  readonly runs: readonly PastRun[];
  /** Adds a run, or replaces the one with its key. The newest is shown. */
  add(run: Omit<PastRun, 'shown'>): void;
  show(key: string, shown: boolean): void;
  /** Reads a stored run's curves and adds it. Throws what the engine throws. */
  read(run: RunRecord): Promise<void>;
}

/** More lines than this in one chart cannot be told apart. */
export const MOST_SHOWN = 5;

export function createPastRuns(client: EngineClient): StoreApi<PastRuns> {
  return createStore<PastRuns>()((set, get) => ({
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
    async read({ id, recipe }) {
      const book = new SeriesBook();
      for (const { step, values } of await client.request({ type: 'run-curves', runId: id }))
        addPoint(book, step, values);
      get().add({ key: id, name: nameOf(recipe.name, id), book, recipe });
    },
  }));
}

/** At most `MOST_SHOWN` are shown: `keep` and the newest. */
function limit(runs: readonly PastRun[], keep = 0): readonly PastRun[] {
  let left = MOST_SHOWN - 1;
  return runs.map((run, i) => (i === keep || !run.shown ? run : { ...run, shown: left-- > 0 }));
}
