/**
 * Nothing is lost: projects, saved when something is chosen; runs that were interrupted, and going on with them; and
 * putting everything back after the engine was started again.
 */
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { EngineClient } from '../../engine/client.ts';
import type {
  DatasetRef,
  KeepSettings,
  ModelRef,
  ProjectView,
  Recipe,
  RunRecord,
  StorageReport,
} from '../../engine/protocol.ts';
import { problemOf } from './problem.ts';
import { datasetRef, type Project } from './project.ts';
import type { RecipeEditor } from './recipe.ts';
import { askPermission, datasetNeed, modelNeed, type Need } from './reopen.ts';
import { isActive, type Run } from './run.ts';

export interface Keeping {
  /** The last changed first; null until they were read. */
  readonly projects: readonly ProjectView[] | null;
  /** The one that is open; null before anything was chosen. */
  readonly current: string | null;
  /** False: another tab has it, and here it can only be looked at. */
  readonly owned: boolean;
  readonly storage: StorageReport | null;
  /** Whether the browser promised not to clear it when the disk is short; null: not told. */
  readonly persisted: boolean | null;
  /** What of the project waits for a click before it is open again. */
  readonly needs: { readonly dataset: Need | null; readonly model: Exclude<Need, 'permission'> | null };
  /** How often runs are saved, and how many checkpoints stay. */
  readonly settings: KeepSettings;
  readonly busy: boolean;
  set(settings: KeepSettings): void;
  begin(): Promise<void>;
  open(id: string): Promise<void>;
  create(): Promise<void>;
  rename(id: string, name: string): Promise<void>;
  duplicate(id: string): Promise<void>;
  remove(id: string): Promise<void>;
  /** In a click: asks for folders, and opens what is missing. */
  reopen(): Promise<boolean>;
  resume(run: RunRecord): Promise<void>;
  /** Curves, groups and evaluations of a run, and its policy if it fits what is open. */
  show(run: RunRecord): Promise<void>;
  settle(run: RunRecord, how: 'keep' | 'discard'): Promise<void>;
  saveNow(): Promise<void>;
  persist(): Promise<void>;
  refresh(): Promise<void>;
  /** The project of a run that starts now, and how it is kept. */
  forRun(): Promise<{ readonly project?: string; readonly keep: KeepSettings }>;
}

export interface KeepingWorld {
  readonly client: EngineClient;
  readonly project: StoreApi<Project>;
  readonly recipe: StoreApi<RecipeEditor>;
  readonly run: StoreApi<Run>;
  /** Where settings stay; null: nowhere. */
  readonly storage: Pick<Storage, 'getItem' | 'setItem'> | null;
}

/** Choices made within this time are saved together, milliseconds. */
const SAVE_AFTER = 250;
/** After a reload the tab's former engine may hold its project for a moment. */
const TRIES = 10;
const TRY_AGAIN = 150;

export const isInterrupted = (run: RunRecord): boolean => run.state === 'running' || run.state === 'paused';

/** The open project. */
export const currentProject = ({ projects, current }: Keeping): ProjectView | null =>
  projects?.find(({ id }) => id === current) ?? null;

/** A run of the open project that ended without having been ended. */
export const interruptedRun = (keeping: Keeping): RunRecord | null =>
  currentProject(keeping)?.runs.find(isInterrupted) ?? null;

const SETTINGS = 'groundwork.keep';
const USUAL: KeepSettings = { everySteps: 20, everyMinutes: 2, keepLast: 2 };

/** Whole numbers from 1; whatever else is there takes its usual value. */
function readSettings(json: string | null): KeepSettings {
  try {
    const given = JSON.parse(json ?? '{}') as Partial<Record<keyof KeepSettings, unknown>>;
    const whole = (key: keyof KeepSettings) => {
      const n = given[key];
      return typeof n === 'number' && Number.isSafeInteger(n) && n >= 1 ? n : USUAL[key];
    };
    return { everySteps: whole('everySteps'), everyMinutes: whole('everyMinutes'), keepLast: whole('keepLast') };
  } catch {
    return USUAL;
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export function createKeeping({ client, project, recipe, run, storage: local }: KeepingWorld): StoreApi<Keeping> {
  const store = createStore<Keeping>()((set, get) => {
    const report = (error: unknown) => project.getState().report(problemOf(error));
    const guarded = async (work: () => Promise<void>) => {
      set({ busy: true });
      try {
        await work();
      } catch (error) {
        report(error);
      }
      set({ busy: false });
    };
    const take = async (id: string) => {
      for (let i = 0; i < TRIES; i++) {
        const { owned } = await client.request({ type: 'take-project', id });
        if (owned) return true;
        await pause(TRY_AGAIN);
      }
      return false;
    };
    const refresh = async () => {
      const [projects, storage] = await Promise.all([
        client.request({ type: 'projects' }),
        client.request({ type: 'storage' }),
      ]);
      set({ projects, storage, persisted: (await navigator.storage?.persisted?.().catch(() => null)) ?? null });
    };
    /** Opens what is not open and needs no click; the rest is left in `needs`. */
    const restore = async (view: ProjectView): Promise<boolean> => {
      const { dataset, model } = project.getState();
      const [lackData, lackModel] = [dataset === null && view.dataset, model === null && view.model];
      const needs = {
        dataset: lackData ? await datasetNeed(lackData) : null,
        model: lackModel ? modelNeed(lackModel) : null,
      };
      set({ needs });
      const openData = !lackData || (needs.dataset === null && (await project.getState().reopenDataset(lackData)));
      return openData && (!lackModel || (needs.model === null && (await project.getState().reopenModel(lackModel))));
    };
    const open = async (id: string) => {
      const owned = await take(id);
      set({ current: id, owned });
      await refresh();
      const view = currentProject(get());
      if (!view) return;
      if (view.recipe) recipe.getState().use(view.recipe);
      await restore(view);
    };
    const whileIdle = (what: string): boolean => {
      if (!isActive(run.getState().state)) return true;
      project.getState().report({
        code: 'run-active',
        what: `A run is going on, so Groundwork will not ${what}.`,
        hint: 'Stop the run first; what it has learnt is kept.',
      });
      return false;
    };
    const closed = () => {
      project.setState({ dataset: null, model: null, modelRef: null, sources: [] });
      run.getState().clear();
    };
    return {
      projects: null,
      current: null,
      owned: true,
      storage: null,
      persisted: null,
      needs: { dataset: null, model: null },
      settings: readSettings(local?.getItem(SETTINGS) ?? null),
      busy: false,
      set(settings) {
        set({ settings });
        local?.setItem(SETTINGS, JSON.stringify(settings));
      },
      begin: () =>
        guarded(async () => {
          await refresh();
          const [last] = get().projects ?? [];
          if (last) await open(last.id);
        }),
      open: (id) =>
        guarded(async () => {
          if (!whileIdle('open another project')) return;
          if (id !== get().current) closed();
          await open(id);
        }),
      create: () =>
        guarded(async () => {
          if (!whileIdle('open another project')) return;
          closed();
          const { id } = await client.request({ type: 'save-project', id: null, change: { name: 'Untitled' } });
          set({ current: id, owned: true, needs: { dataset: null, model: null } });
          await refresh();
        }),
      rename: (id, name) =>
        guarded(async () => {
          await client.request({ type: 'save-project', id, change: { name } });
          await refresh();
        }),
      duplicate: (id) =>
        guarded(async () => {
          await client.request({ type: 'duplicate-project', id });
          await refresh();
        }),
      remove: (id) =>
        guarded(async () => {
          if (id === get().current && !whileIdle('delete its project')) return;
          await client.request({ type: 'delete-project', id });
          if (id === get().current) {
            closed();
            set({ current: null, owned: true });
          }
          await refresh();
        }),
      async reopen() {
        const view = currentProject(get());
        if (!view) return false;
        const { needs } = get();
        if (needs.dataset === 'permission' && view.dataset && !(await askPermission(view.dataset))) return false;
        return restore(view);
      },
      resume: (record) =>
        guarded(async () => {
          if (!(await get().reopen())) return;
          const { dataset } = project.getState();
          if (!dataset) return;
          run.setState({ dataset: dataset.id, runId: record.id });
          await client.request({ type: 'continue-run', runId: record.id, dataset: dataset.id, go: true });
          await refresh();
        }),
      show: (record) =>
        guarded(async () => {
          if (!whileIdle('show another run')) return;
          const { dataset, model } = project.getState();
          // Without its model or on other rows a run can still be looked at; its policy cannot be there.
          const whole = dataset !== null && model !== null && record.bytes > 0;
          await (whole
            ? client
                .request({ type: 'continue-run', runId: record.id, dataset: dataset.id, go: false })
                .catch(() => client.request({ type: 'show-run', runId: record.id }))
            : client.request({ type: 'show-run', runId: record.id }));
          run.setState({ runId: record.id, dataset: dataset?.id ?? null, state: 'finished' });
        }),
      settle: (record, how) =>
        guarded(async () => {
          await client.request({ type: 'settle-run', runId: record.id, how });
          await refresh();
        }),
      saveNow: () => guarded(async () => void (await client.request({ type: 'save-now' }))),
      persist: () =>
        guarded(async () => {
          set({ persisted: await navigator.storage.persist() });
        }),
      refresh: () => guarded(refresh),
      async forRun() {
        if (!get().current) await save();
        // What a run leaves is worth keeping: now is when a browser sees why it is asked.
        if (get().persisted === false) void get().persist();
        const { current, settings } = get();
        return { ...(current !== null && { project: current }), keep: settings };
      },
    };
  });

  /** What there is to save: of something that waits to be opened again, what it was. */
  const choices = () => {
    const state = project.getState();
    const before = currentProject(store.getState());
    return {
      dataset: datasetRef(state) ?? before?.dataset ?? null,
      model: state.modelRef ?? before?.model ?? null,
      recipe: recipe.getState().recipe,
    };
  };
  let saved: { dataset: DatasetRef | null; model: ModelRef | null; recipe: Recipe } | null = null;
  const save = async () => {
    const { current, owned, projects } = store.getState();
    const change = choices();
    if (!owned || projects === null || JSON.stringify(change) === JSON.stringify(saved)) return;
    saved = change;
    try {
      const name = change.dataset?.name ?? 'Untitled';
      const { id } = await client.request({
        type: 'save-project',
        id: current,
        change: current === null ? { name, ...change } : change,
      });
      store.setState({ current: id });
      await store.getState().refresh();
    } catch (error) {
      project.getState().report(problemOf(error));
    }
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const saveSoon = () => {
    clearTimeout(timer);
    timer = setTimeout(() => void save(), SAVE_AFTER);
  };
  project.subscribe(({ dataset, model }, before) => {
    if ((dataset !== before.dataset && dataset) || (model !== before.model && model)) saveSoon();
  });
  recipe.subscribe((now, before) => {
    if (now.recipe !== before.recipe && store.getState().current !== null) saveSoon();
  });
  run.subscribe(({ state }, before) => {
    if (isActive(before.state) && !isActive(state)) void store.getState().refresh();
  });
  client.onRestart(() => void recover());

  /** The engine is a new one: everything is opened again, and a run that was going on goes on. */
  const recover = async () => {
    const { current } = store.getState();
    const before = run.getState();
    const { dataset, model } = project.getState();
    const refs = choices();
    const paused = before.state === 'paused';
    before.notice('The engine stopped and was started again. What the last checkpoint holds is safe.');
    project.setState({ loading: null });
    try {
      if (current) await client.request({ type: 'take-project', id: current });
      if (dataset && refs.dataset) await project.getState().reopenDataset(refs.dataset);
      if (model && refs.model) await project.getState().reopenModel(refs.model);
      await store.getState().refresh();
      const record = currentProject(store.getState())?.runs.find(({ id }) => id === before.runId);
      const again = project.getState().dataset;
      if (!record || !again || !isActive(before.state)) return;
      await client.request({ type: 'continue-run', runId: record.id, dataset: again.id, go: true, paused });
      run.getState().notice(`The run goes on after step ${record.step}.`);
    } catch (error) {
      project.getState().report(problemOf(error));
      run.setState({ state: 'failed' });
    }
  };
  return store;
}

/** Best effort when the page is hidden or left: the browser may end it at any moment from now on. */
export function saveWhenLeaving(client: EngineClient, run: StoreApi<Run>): void {
  const save = () => {
    if (isActive(run.getState().state)) void client.request({ type: 'save-now' }).catch(() => undefined);
  };
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'hidden') save();
  });
  addEventListener('pagehide', save);
}
