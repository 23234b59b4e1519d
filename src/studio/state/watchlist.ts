/** Held-out rows pinned by the user, answered every so many steps while a run learns. */
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { Watch } from '../../engine/protocol/index.ts';
import type { RowCache } from './row-cache.ts';

/** Rows watched when none are pinned, and the most that can be. */
export const DEFAULT_ROWS = 4;
export const MOST_ROWS = 12;

export interface Watchlist {
  readonly dataset: string | null;
  readonly rowIds: readonly string[];
  /** 0: off. */
  readonly everySteps: number;
  pin(dataset: string, rowId: string, pinned: boolean): void;
  setEvery(steps: number): void;
  /** What the next run will watch: the pinned rows, else a few held-out ones of different tasks. */
  forRun(dataset: string): Promise<Watch | undefined>;
}

export function createWatchlist(rows: RowCache): StoreApi<Watchlist> {
  return createStore<Watchlist>()((set, get) => ({
    dataset: null,
    rowIds: [],
    everySteps: 10,
    pin(dataset, rowId, pinned) {
      const before = get().dataset === dataset ? get().rowIds.filter((id) => id !== rowId) : [];
      set({ dataset, rowIds: pinned ? [...before, rowId].slice(-MOST_ROWS) : before });
    },
    setEvery: (steps) => set({ everySteps: Math.max(0, Math.floor(steps)) }),
    async forRun(dataset) {
      const { dataset: mine, rowIds, everySteps } = get();
      if (everySteps === 0) return undefined;
      if (mine === dataset && rowIds.length > 0) return { rowIds, everySteps };
      const first = await rows.page(dataset, 'heldout', 0);
      const usable = first.filter(({ solution }) => solution.length > 0);
      const tasks = [...new Map(usable.map((row) => [row.task, row])).values()];
      const chosen = [...new Set([...tasks, ...usable])].slice(0, DEFAULT_ROWS);
      return chosen.length > 0 ? { rowIds: chosen.map(({ id }) => id), everySteps } : undefined;
    },
  }));
}
