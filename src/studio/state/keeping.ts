/** Nothing is lost: projects, which are open to be worked in, and runs that were interrupted and can be gone on with. */
import { createStore, type StoreApi } from 'zustand/vanilla';
import { sequence } from '../../base/sequence.ts';
import type { EngineClient } from '../../engine/client.ts';
import type { DatasetRef, ProjectView, Recipe, RunRecord } from '../../engine/protocol/index.ts';
import { requireRecipe } from '../../engine/presets.ts';
import { autosave, choicesOf } from './autosave.ts';
import { busyWork } from './busy-work.ts';
import { readKeepSettings, writeKeepSettings } from './keep-settings.ts';
import { partsOf } from './dataset-actions.ts';
import { currentProject, interruptedRun, projectOpened, type Keeping, type Place } from './kept.ts';
import { problemOf } from '../problem.ts';
import { datasetRef, type Project } from './project.ts';
import type { RecipeEditor } from './recipe.ts';
import { recover } from './recovery.ts';
import { askPermission, datasetFolders, datasetNeed, modelFolders, modelNeed } from './reopen.ts';
import { fitOf, stepsLost, wantsItsAnswers } from './resumable.ts';
import { isActive, type Run } from './run.ts';

export interface KeepingWorld {
  readonly client: EngineClient;
  readonly project: StoreApi<Project>;
  readonly recipe: StoreApi<RecipeEditor>;
  readonly run: StoreApi<Run>;
  /** Where settings stay; null: nowhere. */
  readonly storage: Pick<Storage, 'getItem' | 'setItem'> | null;
  /** Code of a recipe that may be run. Rejects where a person says no. */
  readonly allowed: (recipe: Recipe) => Promise<readonly string[]>;
}

/** After a reload the tab's former engine may hold its project for a moment. */
const TRIES = 10;
const TRY_AGAIN = 150;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export function createKeeping({
  client,
  project,
  recipe,
  run,
  storage: local,
  allowed,
}: KeepingWorld): StoreApi<Keeping> {
  /** A dataset that has to be chosen again, with what was answered about it. */
  let wanted: DatasetRef | null = null;
  const store = createStore<Keeping>()((set, get) => {
    const report = (error: unknown) => project.getState().report({ ...problemOf(error), about: 'keeping' });
    const tracked = busyWork({ busy: (busy) => set({ busy }), failed: report });
    const guarded = (work: () => Promise<void>) => {
      project.getState().settled('keeping');
      return tracked(work);
    };
    const take = async (id: string) => {
      for (let i = 0; i < TRIES; i++) {
        const { owned } = await client.request({ type: 'take-project', id });
        if (owned) return true;
        await pause(TRY_AGAIN);
      }
      return false;
    };
    // In sequence: what was asked for earlier never takes the place of what was asked for later.
    const oneByOne = sequence();
    const refresh = () =>
      oneByOne(async () => {
        const [projects, storage] = await Promise.all([
          client.request({ type: 'projects' }),
          client.request({ type: 'storage' }),
        ]);
        set({ projects, storage, persisted: (await navigator.storage?.persisted?.().catch(() => null)) ?? null });
      });
    /** Opens what is not open and needs no click; the rest is left in `needs`. */
    const restore = async (view: ProjectView): Promise<boolean> => {
      const { dataset, model } = project.getState();
      const [lackData, lackModel] = [dataset === null && view.dataset, model === null && view.model];
      const needs = {
        dataset: lackData ? await datasetNeed(lackData) : null,
        model: lackModel ? await modelNeed(lackModel) : null,
      };
      set({ needs });
      wanted = needs.dataset === 'choose' && lackData ? lackData : null;
      const openData =
        !lackData ||
        (needs.dataset === null &&
          (await project.getState().reopenDataset(lackData, () => project.getState().dataset !== null)));
      // The model does not wait for a dataset that has to be chosen.
      const openModel =
        !lackModel ||
        (needs.model === null &&
          (await project.getState().reopenModel(lackModel, () => project.getState().model !== null)));
      return openData && openModel;
    };
    const bring = async (record: RunRecord) => {
      const { dataset, model } = project.getState();
      // Without its model or on other rows a run can still be looked at; its policy cannot be there.
      const whole = dataset !== null && model !== null && record.bytes > 0;
      await (whole
        ? client
            .request({ type: 'continue-run', runId: record.id, dataset: dataset.id, go: false })
            .catch(() => client.request({ type: 'show-run', runId: record.id }))
        : client.request({ type: 'show-run', runId: record.id }));
      const state = record.state === 'failed' ? 'failed' : 'finished';
      run.setState({ runId: record.id, dataset: dataset?.id ?? null, state });
    };
    /** A project is opened with its newest run: its curves, and its policy as the tuned one. */
    const bringNewest = async () => {
      const newest = currentProject(get())?.runs.find(({ bytes }) => bytes > 0);
      if (!newest || interruptedRun(get()) || run.getState().stages.length > 0) return;
      await bring(newest);
    };
    const open = async (id: string) => {
      const owned = await take(id);
      set({ current: id, owned });
      await refresh();
      const view = currentProject(get());
      if (!view) return;
      if (view.recipe)
        try {
          recipe.getState().use(requireRecipe(view.recipe, `The recipe of the project “${view.name}”`, 'default'));
        } catch (error) {
          report(error);
        }
      if (await restore(view)) await bringNewest();
    };
    const whileIdle = (what: string): boolean => {
      if (!isActive(run.getState().state)) return true;
      project.getState().report({
        about: 'keeping',
        code: 'run-active',
        what: `A run is active, so Groundwork cannot ${what}.`,
        hint: 'Stop the run first. What it has learned is kept.',
      });
      return false;
    };
    const closed = () => {
      wanted = null;
      project.setState({ dataset: null, model: null, modelRef: null, sources: [] });
      run.getState().clear();
    };
    /** Another project for another dataset: the model and the recipe go along. */
    const beginNew = () =>
      guarded(async () => {
        if (!whileIdle('begin another project')) return;
        const { model, modelRef } = project.getState();
        closed();
        project.setState({ model, modelRef });
        const change = { name: 'Untitled', model: modelRef, recipe: recipe.getState().recipe };
        const { id } = await client.request({ type: 'save-project', id: null, change });
        set({ current: id, owned: true, needs: { dataset: null, model: null } });
        await refresh();
      });
    return {
      projects: null,
      current: null,
      owned: true,
      storage: null,
      persisted: null,
      needs: { dataset: null, model: null },
      fit: null,
      asked: null,
      lost: 0,
      settings: readKeepSettings(local),
      busy: false,
      set(settings) {
        set({ settings });
        writeKeepSettings(local, settings);
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
      async makeRoom(dataset, of) {
        await projectOpened(store);
        const view = currentProject(get());
        // What is open may not be saved yet.
        const held = datasetRef(project.getState()) ?? view?.dataset;
        if (!view || !held || !get().owned) return 'here';
        if (of === 'sample' ? held.sources.some(({ kind }) => kind === 'sample') : held.name === dataset) return 'here';
        // What a run of the project was made on belongs there, whatever was opened in between.
        if (view.runs.some(({ datasetName }) => datasetName === dataset)) return 'here';
        const isOpen = project.getState().dataset !== null;
        // A part of what has to be chosen again.
        if (!isOpen && partsOf(held.name).includes(dataset)) return 'here';
        get().asked?.answer(null);
        const where = await new Promise<Place | null>((resolve) =>
          set({
            asked: {
              dataset,
              holds: held.name,
              project: view.name,
              runs: view.runs.length,
              edits: project.getState().dataset?.edits?.changes ?? 0,
              active: isActive(run.getState().state),
              addable: isOpen && of === undefined,
              answer: (answer) => {
                set({ asked: null });
                resolve(answer);
              },
            },
          }),
        );
        if (where === 'new') await beginNew();
        return where;
      },
      label: (runId, label) =>
        guarded(async () => {
          await client.request({ type: 'label-run', runId, label });
          await refresh();
        }),
      rename: (id, name) =>
        guarded(async () => {
          await client.request({ type: 'save-project', id, change: { name, named: true } });
          await refresh();
        }),
      take: (file) =>
        guarded(async () => {
          if (!whileIdle('open another project')) return;
          const { project: taken, renamed } = await client.request({ type: 'take-project-file', file });
          if (renamed > 0) run.getState().notice(`${renamed} runs were given other names: theirs are taken here.`);
          closed();
          await open(taken.id);
        }),
      duplicate: (id, runs) =>
        guarded(async () => {
          await client.request({ type: 'duplicate-project', id, ...(runs && { runs }) });
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
        const folders = [
          ...(needs.dataset === 'permission' && view.dataset ? datasetFolders(view.dataset) : []),
          ...(needs.model === 'permission' && view.model ? modelFolders(view.model) : []),
        ];
        if (!(await askPermission(folders))) return false;
        if (!(await restore(view))) return false;
        await bringNewest();
        return true;
      },
      resume: (record) =>
        guarded(async () => {
          if (!(await get().reopen())) return;
          const { dataset } = project.getState();
          if (!dataset) return;
          const allowCode = await allowed(record.recipe);
          run.setState({ dataset: dataset.id, runId: record.id });
          await client.request({
            type: 'continue-run',
            runId: record.id,
            dataset: dataset.id,
            go: true,
            ...(allowCode.length > 0 && { allowCode }),
          });
          await refresh();
        }),
      show: (record) =>
        guarded(async () => {
          if (!whileIdle('show another run')) return;
          await bring(record);
          const { failure } = record;
          if (failure) run.setState({ failure: { code: failure.code, what: failure.message, hint: failure.hint } });
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

  let round = 0;
  /** What is open by now, against what the interrupted run needs. */
  const compare = async () => {
    const mine = ++round;
    const record = interruptedRun(store.getState());
    if (!record) return store.setState({ fit: null, lost: 0 });
    const { dataset } = project.getState();
    const open = await client.request({ type: 'identity', dataset: dataset?.id ?? null });
    if (mine === round) store.setState({ fit: fitOf(record, open), lost: stepsLost(local, record) });
  };
  const look = () => void compare().catch(() => undefined);
  store.subscribe((now, before) => {
    if (interruptedRun(now)?.id !== interruptedRun(before)?.id) look();
  });
  // What is waited for follows what is opened, by whichever way.
  project.subscribe(({ dataset, model }, before) => {
    if (dataset === before.dataset && model === before.model) return;
    const { needs } = store.getState();
    store.setState({
      needs: { dataset: dataset ? null : needs.dataset, model: model ? null : needs.model },
    });
    look();
    // The same files: what was answered about them is not asked again. Another dataset in between changes nothing.
    if (!dataset || !wanted || !wantsItsAnswers(wanted, dataset)) return;
    const { options } = wanted;
    wanted = null;
    void project.getState().reread(options);
  });

  const save = autosave({ client, project, recipe, keeping: store });
  run.subscribe(({ state }, before) => {
    if (isActive(before.state) && !isActive(state)) void store.getState().refresh();
  });
  client.onRestart(
    () => void recover({ client, project, run, keeping: store }, choicesOf({ project, recipe, keeping: store })),
  );
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
