/** Thoughts of a teacher: what is asked, what the user has agreed to, the asking under way, and candidates to look at. */
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { EngineClient } from '../../engine/client.ts';
import { TEACH_DEFAULTS } from '../../engine/presets.ts';
import type {
  EngineEvent,
  JudgedCandidate,
  Replies,
  TeachSettings,
  ThoughtFilter,
  ThoughtsPlan,
  Verdict,
} from '../../engine/protocol/index.ts';
import { problemOf, type Problem } from '../problem.ts';
import { Outside } from '../teacher/outside.ts';
import { nearPermission, type NearPermission } from '../teacher/permission.ts';
import type { Editing } from './edits.ts';
import type { Project } from './project.ts';

export interface ThoughtsForm extends TeachSettings {
  readonly endpoint: string;
  /** In this tab's memory, for as long as the tab lives; written nowhere. */
  readonly key: string;
  readonly concurrency: number;
}

export type ThoughtsProgress = Extract<EngineEvent, { type: 'thoughts-progress' }>;

export interface Thoughts {
  readonly form: ThoughtsForm;
  /** Names that the teacher has told; null: none yet. */
  readonly models: readonly string[] | null;
  /** What would leave, while the user is asked. */
  readonly asking: { readonly plan: ThoughtsPlan; readonly permission: NearPermission } | null;
  /** `planning` and `connecting` are short. */
  readonly state: 'idle' | 'planning' | 'connecting' | 'asking';
  readonly progress: ThoughtsProgress | null;
  readonly problem: Problem | null;
  readonly notice: string | null;
  readonly filter: ThoughtFilter;
  /** Of the open dataset; grows with each answer. */
  readonly shown: Replies['thoughts'] | null;
  edit(part: Partial<ThoughtsForm>): void;
  /** Works out what would leave, and asks. Nothing is sent. */
  plan(): Promise<void>;
  /** The user has agreed: opens the way to that one server, and begins. */
  agree(): Promise<void>;
  decline(): void;
  /** Asks the engine to begin; letters are carried over the way that is open. */
  start(): Promise<void>;
  stop(): void;
  choose(filter: ThoughtFilter): void;
  /** Reads candidates of the filter from the engine, as many as are shown and some more. */
  refresh(): Promise<void>;
  judge(candidate: JudgedCandidate, verdict: Verdict, words?: string): Promise<void>;
  take(): Promise<void>;
  forget(): Promise<void>;
  dismiss(): void;
}

/** Candidates that are read at once; the engine keeps the rest. */
const PAGE = 2000;
/** Between two readings of candidates while answers come, in milliseconds. */
const REFRESH_MS = 1500;

export function createThoughts(
  client: EngineClient,
  project: StoreApi<Project>,
  editing: StoreApi<Editing>,
): StoreApi<Thoughts> {
  let outside: Outside | null = null;
  let refreshed = 0;
  const store = createStore<Thoughts>()((set, get) => {
    const open = () => project.getState().dataset?.id ?? null;
    const fail = (error: unknown) => set({ problem: problemOf(error), state: 'idle' });
    const settings = (): TeachSettings => {
      const { endpoint: _, key: __, concurrency: ___, ...rest } = get().form;
      return rest;
    };
    return {
      form: { ...TEACH_DEFAULTS, endpoint: '', key: '', concurrency: 4 },
      models: null,
      asking: null,
      state: 'idle',
      progress: null,
      problem: null,
      notice: null,
      filter: 'kept',
      shown: null,
      edit: (part) => set({ form: { ...get().form, ...part }, ...(part.endpoint !== undefined && { models: null }) }),
      async plan() {
        const dataset = open();
        if (dataset === null || get().state !== 'idle') return;
        set({ state: 'planning', problem: null, notice: null });
        try {
          const { endpoint } = get().form;
          const plan = await client.request({ type: 'thoughts-plan', dataset, endpoint, settings: settings() });
          if (plan.rows === 0)
            set({
              state: 'idle',
              notice: 'Every training row with true boxes has a thought. There is nothing to ask.',
            });
          else set({ state: 'idle', asking: { plan, permission: await nearPermission(plan.address) } });
        } catch (error) {
          fail(error);
        }
      },
      async agree() {
        const { asking, form } = get();
        if (!asking) return;
        set({ asking: null, state: 'connecting' });
        try {
          outside?.close();
          outside = null;
          outside = await Outside.open(asking.plan.address, form.key);
          const models = await client.request({ type: 'teacher-models', endpoint: form.endpoint });
          set({ models });
          if (form.model.trim() === '') {
            if (models?.length !== 1) {
              set({
                state: 'idle',
                notice: models?.length
                  ? `The server has ${models.length} models. Name the one to ask: it must see pictures.`
                  : 'The server does not list its models. Name the one to ask.',
              });
              return;
            }
            get().edit({ model: models[0]! });
          }
        } catch (error) {
          outside?.close();
          outside = null;
          return fail(error);
        }
        await get().start();
      },
      decline: () => set({ asking: null }),
      async start() {
        const dataset = open();
        if (dataset === null) return;
        set({ state: 'asking', progress: null, problem: null, notice: null, filter: 'kept' });
        const { endpoint, concurrency } = get().form;
        try {
          const done = await client.request({
            type: 'thoughts-start',
            dataset,
            endpoint,
            settings: settings(),
            concurrency,
          });
          const ended = done.stopped ? 'Stopped. What was answered is kept' : 'All rows were asked';
          set({ state: 'idle', notice: `${ended}: ${done.taught} of ${done.rows} rows have a thought that is kept.` });
        } catch (error) {
          fail(error);
        }
        // The way is closed as soon as nobody uses it.
        outside?.close();
        outside = null;
        await get().refresh();
      },
      stop: () => void client.request({ type: 'thoughts-stop' }).catch(() => undefined),
      choose(filter) {
        set({ filter });
        void get().refresh();
      },
      async refresh() {
        const dataset = open();
        if (dataset === null) return;
        const { filter } = get();
        try {
          const shown = await client.request({ type: 'thoughts', dataset, filter, offset: 0, count: PAGE });
          if (get().filter === filter && open() === dataset) set({ shown });
        } catch (error) {
          set({ problem: problemOf(error) });
        }
      },
      async judge({ id, row }, verdict, words) {
        const dataset = open();
        if (dataset === null) return;
        try {
          const kept = await editing.getState().keep();
          const report = await client.request({
            type: 'thoughts-judge',
            dataset,
            project: kept,
            id,
            verdict,
            ...(words !== undefined && { words }),
          });
          await editing.getState().shown(report, row);
          await get().refresh();
        } catch (error) {
          set({ problem: problemOf(error) });
        }
      },
      async take() {
        const dataset = open();
        if (dataset === null) return;
        try {
          const kept = await editing.getState().keep();
          const { report, taken } = await client.request({ type: 'thoughts-take', dataset, project: kept });
          await editing.getState().shown(report, null);
          set({
            notice: `${taken} ${taken === 1 ? 'row has its' : 'rows have their'} thought now, as edits that can be undone.`,
          });
          await get().refresh();
        } catch (error) {
          set({ problem: problemOf(error) });
        }
      },
      async forget() {
        try {
          await client.request({ type: 'thoughts-forget' });
          set({ shown: null, progress: null, notice: 'The teacher’s answers were deleted from this browser.' });
        } catch (error) {
          set({ problem: problemOf(error) });
        }
      },
      dismiss: () => set({ problem: null, notice: null }),
    };
  });
  // At once, also in a tab that is not in sight: not by way of the pump.
  client.subscribe((event) => {
    if (event.type === 'teacher-recall') outside?.recall(event.id);
    else if (event.type === 'teacher-letter') {
      const way = outside?.base === event.base ? outside : null;
      const carried = way?.carry(event.id, event.letter) ?? Promise.resolve({ undelivered: 'broken' } as const);
      void carried
        .then((what) => client.request({ type: 'teacher-carried', letter: event.id, carried: what }))
        .catch(() => undefined);
    } else if (event.type === 'thoughts-progress') {
      store.setState({ progress: event });
      const now = performance.now();
      if (now - refreshed < REFRESH_MS) return;
      refreshed = now;
      void store.getState().refresh();
    }
  });
  project.subscribe(({ dataset }, before) => {
    if (dataset?.id === before.dataset?.id) return;
    store.getState().stop();
    store.setState({ shown: null, progress: null, asking: null, notice: null, problem: null });
  });
  return store;
}
