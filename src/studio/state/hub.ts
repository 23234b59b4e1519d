/** Models from a Hub: what is asked for, the fetching under way, and what is kept in this browser. */
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { EngineClient } from '../../engine/client.ts';
import {
  DEFAULT_ENDPOINT,
  DEFAULT_REVISION,
  type CachedModel,
  type CacheListing,
  type EngineEvent,
  type HubModel,
  type HubProgressEvent,
  type HubTroubleEvent,
} from '../../engine/protocol/index.ts';
import { problemOf, type Problem } from '../problem.ts';
import type { Project } from './project.ts';

export interface HubForm {
  readonly id: string;
  readonly revision: string;
  readonly endpoint: string;
  /** In this tab's memory, for as long as the tab lives; written nowhere. */
  readonly token: string;
}

export interface Hub {
  readonly form: HubForm;
  /** The model being fetched or checked; null if none is. */
  readonly underWay: {
    readonly title: string;
    readonly progress: HubProgressEvent | null;
    /** The Hub refused or is silent, and is asked again. */
    readonly trouble: HubTroubleEvent['trouble'];
  } | null;
  readonly listing: CacheListing | null;
  readonly problem: Problem | null;
  /** News that are no failure. */
  readonly notice: string | null;
  edit(part: Partial<HubForm>): void;
  /** Fetches what the form asks for and loads it. */
  load(): Promise<void>;
  /** Checks a model that is kept, fetches what it lacks, and loads it. */
  open(model: CachedModel): Promise<void>;
  cancel(): void;
  remove(model: CachedModel): Promise<void>;
  refresh(): Promise<void>;
  dismiss(): void;
  receive(events: readonly EngineEvent[]): void;
}

export function createHub(client: EngineClient, project: StoreApi<Project>): StoreApi<Hub> {
  /** Of two listings asked for, the later one counts, in whichever order they are answered. */
  let asked = 0;
  const store = createStore<Hub>()((set, get) => {
    const bring = async (title: string, ask: () => Promise<HubModel>): Promise<void> => {
      if (get().underWay) return;
      set({ underWay: { title, progress: null, trouble: null }, problem: null, notice: null });
      // Else the browser may clear the cache when the disk runs low.
      void globalThis.navigator?.storage?.persist?.().catch(() => false);
      try {
        const { id, key, files } = await ask();
        set({ underWay: null });
        await project.getState().loadModel(files, id, { kind: 'hub', key, name: id });
      } catch (error) {
        const problem = problemOf(error);
        set({
          underWay: null,
          ...(problem.code === 'cancelled' ? { notice: `${problem.what} ${problem.hint}` } : { problem }),
        });
      }
      await get().refresh();
    };
    const token = () => get().form.token.trim() || null;
    return {
      form: { id: '', revision: DEFAULT_REVISION, endpoint: DEFAULT_ENDPOINT, token: '' },
      underWay: null,
      listing: null,
      problem: null,
      notice: null,
      edit: (part) => set({ form: { ...get().form, ...part } }),
      load() {
        const { id, revision, endpoint } = get().form;
        return bring(id.trim(), () => client.request({ type: 'hub-load', id, revision, endpoint, token: token() }));
      },
      open: ({ id, key }) => bring(id, () => client.request({ type: 'hub-open', key, token: token() })),
      cancel: () => void client.request({ type: 'hub-cancel' }).catch(() => {}),
      async remove({ key }) {
        asked++;
        try {
          set({ listing: await client.request({ type: 'hub-delete', key }), problem: null });
        } catch (error) {
          set({ problem: problemOf(error) });
        }
      },
      async refresh() {
        const mine = ++asked;
        try {
          const listing = await client.request({ type: 'hub-cached' });
          if (mine === asked) set({ listing });
        } catch (error) {
          set({ problem: problemOf(error) });
        }
      },
      dismiss: () => set({ problem: null, notice: null }),
      receive(events) {
        const { underWay } = get();
        if (!underWay) return;
        const progress = events.findLast((event) => event.type === 'hub-progress');
        const trouble = events.findLast((event) => event.type === 'hub-trouble');
        if (progress || trouble)
          set({
            underWay: { ...underWay, ...(progress && { progress }), ...(trouble && { trouble: trouble.trouble }) },
          });
      },
    };
  });
  // A project opens its model by itself; where that failed, damage may have been found in what is kept.
  project.subscribe(({ problem }, before) => {
    if (problem && problem !== before.problem) void store.getState().refresh();
  });
  return store;
}
