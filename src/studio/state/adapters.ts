/** The adapters that the engine keeps for the loaded model. */
import { createStore, type StoreApi } from 'zustand/vanilla';
import { sequence } from '../../base/sequence.ts';
import type { EngineClient } from '../../engine/client.ts';
import type { AdaptersReport, EngineEvent, NamedFile, Request } from '../../engine/protocol/index.ts';
import { busyWork } from './busy-work.ts';
import { problemOf, type Problem } from '../problem.ts';

const NONE: AdaptersReport = { adapters: [], stack: [], continueTop: false, tuned: 'run' };

type AdaptersChange = Extract<
  Request,
  { type: 'adapters' | 'adapter-import' | 'adapter-keep' | 'adapter-merge' | 'adapter-remove' | 'adapter-stack' }
>;

export interface AdapterShelf {
  readonly report: AdaptersReport;
  readonly busy: boolean;
  readonly problem: Problem | null;
  importFiles(name: string, files: readonly NamedFile[]): Promise<void>;
  keep(name: string): Promise<void>;
  merge(request: Omit<Extract<Request, { type: 'adapter-merge' }>, 'type'>): Promise<void>;
  remove(id: string): Promise<void>;
  stack(ids: readonly string[], continueTop: boolean): Promise<void>;
  /** Another model has none of them. */
  forget(): void;
  dismiss(): void;
  receive(events: readonly EngineEvent[]): void;
}

export function createAdapters(client: EngineClient): StoreApi<AdapterShelf> {
  return createStore<AdapterShelf>()((set) => {
    const oneByOne = sequence();
    const tracked = busyWork({ busy: (busy) => set({ busy }), failed: (error) => set({ problem: problemOf(error) }) });
    const change = (request: AdaptersChange) => {
      set({ problem: null });
      return tracked(() => oneByOne(async () => set({ report: await client.request(request) })));
    };
    return {
      report: NONE,
      busy: false,
      problem: null,
      importFiles: (name, files) => change({ type: 'adapter-import', name, files }),
      keep: (name) => change({ type: 'adapter-keep', name }),
      merge: (request) => change({ type: 'adapter-merge', ...request }),
      remove: (id) => change({ type: 'adapter-remove', id }),
      stack: (stack, continueTop) => change({ type: 'adapter-stack', stack, continueTop }),
      forget: () => set({ report: NONE, problem: null }),
      dismiss: () => set({ problem: null }),
      receive(events) {
        const last = events.findLast((event) => event.type === 'adapters');
        if (last) set({ report: last.report });
      },
    };
  });
}
