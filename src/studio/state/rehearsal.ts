/** The rehearsal of the plan: under way, done, or outdated by an edit. */
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { EngineClient } from '../../engine/client.ts';
import type { EngineEvent, Recipe, Rehearsal } from '../../engine/protocol/index.ts';
import { problemOf, type Problem } from '../problem.ts';

export interface Rehearsing {
  readonly under: { readonly what: string; readonly done: number; readonly total: number } | null;
  /** The last one, and the plan it was of. */
  readonly result: { readonly recipe: Recipe; readonly rehearsal: Rehearsal } | null;
  readonly problem: Problem | null;
  start(dataset: string, recipe: Recipe): Promise<void>;
  cancel(): Promise<void>;
  forget(): void;
  dismiss(): void;
  receive(events: readonly EngineEvent[]): void;
}

/** @param allowed code of a recipe that may be run; rejects where a person says no */
export function createRehearsal(
  client: EngineClient,
  allowed: (recipe: Recipe) => Promise<readonly string[]> = async () => [],
): StoreApi<Rehearsing> {
  return createStore<Rehearsing>()((set, get) => ({
    under: null,
    result: null,
    problem: null,
    async start(dataset, recipe) {
      set({ under: { what: 'Starting', done: 0, total: 0 }, problem: null });
      try {
        const allowCode = await allowed(recipe);
        const rehearsal = await client.request({
          type: 'rehearse',
          dataset,
          recipe,
          ...(allowCode.length > 0 && { allowCode }),
        });
        set({ under: null, result: { recipe, rehearsal } });
      } catch (error) {
        const problem = problemOf(error);
        set({ under: null, problem: problem.code === 'rehearsal-stopped' ? null : problem });
      }
    },
    async cancel() {
      await client
        .request({ type: 'control', action: 'stop' })
        .catch((error: unknown) => set({ problem: problemOf(error) }));
    },
    forget: () => set({ result: null }),
    dismiss: () => set({ problem: null }),
    receive(events) {
      if (!get().under) return;
      const last = events.findLast((event) => event.type === 'loading');
      if (last) set({ under: { what: last.what, done: last.done, total: last.total } });
    },
  }));
}
