/** What is on the table: the device, the model, the dataset, and the loading under way. */
import { createStore, type StoreApi } from 'zustand/vanilla';
import { sequence } from '../../base/sequence.ts';
import type { EngineClient } from '../../engine/client.ts';
import type {
  DatasetOptions,
  DatasetRef,
  DatasetReport,
  DeviceReport,
  ProfileChoice,
  EngineEvent,
  ModelRef,
  ModelReport,
  NamedFile,
  SourceRef,
  StorageChoice,
} from '../../engine/protocol/index.ts';
import {
  addIntake,
  openIntake,
  openSample,
  refOf,
  type Intake,
  type Keeping,
  type OpenedDataset,
} from './dataset-actions.ts';
import type { Place } from './kept.ts';
import { filesOf, folderOf, looseFiles } from './model-folder.ts';
import { problemOf, type About, type Problem } from '../problem.ts';
import { reopenDataset } from './reopen.ts';

/** A load under way, for a bar with an ETA. `total` 0: not known yet. */
export interface Loading {
  readonly title: string;
  readonly what: string;
  readonly done: number;
  readonly total: number;
  readonly startedAt: number;
  /** When the work that `what` names began. */
  readonly since: number;
  /** When `done` was told. */
  readonly at: number;
  /** Ends it; null where it cannot be ended. */
  readonly stop: (() => void) | null;
}

export interface Project {
  readonly device: DeviceReport | null;
  readonly deviceProblem: Problem | null;
  readonly model: ModelReport | null;
  /** How the model can be loaded again. */
  readonly modelRef: ModelRef | null;
  readonly dataset: DatasetReport | null;
  /** Where the dataset's files are. */
  readonly sources: readonly SourceRef[];
  /** Where the files of the next dataset are to stay. */
  readonly keeping: Keeping;
  readonly loading: Loading | null;
  /** What is loaded after it, by their titles; the next one first. */
  readonly waiting: readonly string[];
  readonly problem: Problem | null;
  /** Who has not answered for long. */
  readonly silent: 'engine' | 'device' | null;
  /** How the next model's weights will be held. */
  readonly storage: StorageChoice;
  chooseStorage(storage: StorageChoice): void;
  findDevice(): Promise<void>;
  /** For when the device is opened next. Rejects where that cannot be kept. */
  chooseProfile(choice: ProfileChoice): Promise<void>;
  loadStarter(): Promise<boolean>;
  /** `name`: instead of the folder's. `ref`: how it can be loaded again; without it, not. */
  loadModel(files: readonly NamedFile[], name?: string, ref?: ModelRef): Promise<boolean>;
  /** A folder is remembered and can be loaded again in another visit; loose files cannot. */
  openModel(intake: Intake): Promise<boolean>;
  openSample(): Promise<boolean>;
  openDataset(intake: Intake): Promise<boolean>;
  /** Adds files to the dataset that is open, as one with it. */
  addDataset(intake: Intake): Promise<boolean>;
  /**
   * Opens again what a project was left with; the browser must allow it already.
   * `unless`: asked when its turn has come, since a person may have opened another meanwhile.
   */
  reopenDataset(ref: DatasetRef, unless?: () => boolean): Promise<boolean>;
  reopenModel(ref: ModelRef, unless?: () => boolean): Promise<boolean>;
  /** Reads the dataset in another way, or takes an answer to what it asked. */
  reread(options: DatasetOptions): Promise<boolean>;
  /** Reads the dataset's pictures to their end. */
  checkPictures(): Promise<boolean>;
  /** Compares the pictures of the two parts by their looks. */
  compareLooks(): Promise<boolean>;
  keep(keeping: Keeping): void;
  /** The one click: starter model and sample dataset. */
  startWithSample(): Promise<boolean>;
  /** Ends the engine and starts another, which opens again what was open. */
  restartEngine(): void;
  report(problem: Problem): void;
  dismiss(): void;
  /** What an alert is about has succeeded: the alert goes. */
  settled(about: About): void;
  /** Does some work and tells what goes wrong with it, until it succeeds. Undefined: it went wrong. */
  attempt<T>(about: About, work: () => Promise<T>): Promise<T | undefined>;
  receive(events: readonly EngineEvent[]): void;
}

const folderRef = (handle: FileSystemDirectoryHandle): ModelRef => ({
  kind: 'folder',
  name: handle.name,
  handle,
  digest: '', // told by the engine once it is loaded
});

const changed = (name: string): Problem => ({
  code: 'model-changed',
  what: `The files in “${name}” are not those that were loaded last time.`,
  hint: 'The model was loaded as it is now. You can look at runs that began with the earlier files, but you cannot resume them.',
});

const never = () => false;

/** What the engine calls the sample. */
const SAMPLE = 'Sample dataset';

/** Where the starter's files are; absolute, for a worker has another base. */
export const starterUrl = (): string => new URL('starter/', document.baseURI).href;

/**
 * @param openProject whose edits are laid over a dataset that is opened
 * @param makeRoom asks where a dataset of a name is to be opened; null: nowhere
 */
export function createProject(
  client: EngineClient,
  openProject: () => Promise<string | null> = () => Promise.resolve(null),
  makeRoom: (dataset: string, of?: 'sample' | 'copy') => Promise<Place | null> = () => Promise.resolve('here'),
): StoreApi<Project> {
  return createStore<Project>()((set, get) => {
    const oneByOne = sequence();
    /** Loads take turns: what a person opens while another load is under way waits, and is never dropped. */
    const load = (
      title: string,
      work: () => Promise<Partial<Project>>,
      stop: Loading['stop'] = null,
    ): Promise<boolean> => {
      set(({ waiting }) => ({ waiting: [...waiting, title] }));
      return oneByOne(() => {
        set(({ waiting }) => ({ waiting: waiting.slice(1) }));
        return loadNow(title, work, stop);
      });
    };
    const loadNow = async (
      title: string,
      work: () => Promise<Partial<Project>>,
      stop: Loading['stop'],
    ): Promise<boolean> => {
      const now = performance.now();
      set({
        loading: { title, what: '', done: 0, total: 0, startedAt: now, since: now, at: now, stop },
        problem: null,
      });
      try {
        set({ ...(await work()), loading: null });
        return true;
      } catch (error) {
        const problem = problemOf(error);
        // Whoever stopped it knows.
        set({ loading: null, problem: problem.code === 'cancelled' ? null : problem });
        return false;
      }
    };
    /** What goes wrong before a load begins is told, too. */
    const told = async (work: () => Promise<boolean>): Promise<boolean> => {
      try {
        return await work();
      } catch (error) {
        set({ problem: problemOf(error) });
        return false;
      }
    };
    const stopModel = () => void client.request({ type: 'cancel-load' }).catch(() => {});
    const stopReading = () => void client.request({ type: 'cancel-dataset' }).catch(() => {});
    const openWith = (title: string, open: () => Promise<OpenedDataset>) => load(title, open, stopReading);
    const loadStarter = (unless = never) =>
      load(
        'Loading the starter model',
        async () => {
          if (unless()) return {};
          const { storage } = get();
          const model = await client.request({ type: 'load-starter', baseUrl: starterUrl(), storage });
          return { model, modelRef: { kind: 'starter', storage } };
        },
        stopModel,
      );
    const loadModel = (files: readonly NamedFile[], name?: string, ref?: ModelRef, unless = never) =>
      load(
        'Loading the model',
        async () => {
          if (unless()) return {};
          const { storage } = get();
          const model = await client.request({
            type: 'load-model',
            files,
            storage,
            ...(name !== undefined && { name }),
          });
          const source = ref ?? ({ kind: 'once', name: model.name } as const);
          const known = source.kind === 'folder' ? { ...source, digest: model.digest } : source;
          return { model, modelRef: { ...known, storage } };
        },
        stopModel,
      );
    /** Something that reads pictures of the open dataset, and can be stopped. */
    const checked = async (type: 'check-pictures' | 'compare-looks', doing: string) => {
      const { dataset } = get();
      if (!dataset) return false;
      return load(
        `${doing} ${dataset.name}`,
        async () => {
          await client.request({ type, dataset: dataset.id });
          return {};
        },
        stopReading,
      );
    };
    const actions: Pick<
      Project,
      | 'loadStarter'
      | 'loadModel'
      | 'openModel'
      | 'openSample'
      | 'openDataset'
      | 'addDataset'
      | 'reopenDataset'
      | 'reopenModel'
      | 'reread'
      | 'checkPictures'
      | 'compareLooks'
    > = {
      loadStarter: () => loadStarter(),
      loadModel: (...of) => loadModel(...of),
      openModel: (intake) =>
        told(async () => {
          const folder = folderOf(intake);
          if (!folder) return actions.loadModel(await looseFiles(intake), intake.name);
          return actions.loadModel(await filesOf(folder), folder.name, folderRef(folder));
        }),
      reopenDataset: (ref, unless = never) =>
        load(
          `Opening ${ref.name} again`,
          async () =>
            unless()
              ? {}
              : {
                  dataset: await reopenDataset(client, ref, starterUrl(), await openProject()),
                  sources: ref.sources,
                },
          stopReading,
        ),
      reopenModel: async (ref, unless = never) => {
        if (unless()) return true;
        set({ storage: ref.storage ?? 'auto' });
        if (ref.kind === 'starter') return loadStarter(unless);
        if (ref.kind === 'once') return false;
        return told(async () => {
          if (ref.kind === 'hub') {
            const { id, files } = await client.request({ type: 'hub-open', key: ref.key, token: null });
            return loadModel(files, id, ref, unless);
          }
          const loaded = await loadModel(await filesOf(ref.handle), ref.name, ref, unless);
          const { model, modelRef } = get();
          const isIt = modelRef?.kind === 'folder' && modelRef.handle === ref.handle;
          if (loaded && isIt && model!.digest !== ref.digest) set({ problem: changed(ref.name) });
          return loaded;
        });
      },
      openSample: async () =>
        (await makeRoom(SAMPLE, 'sample')) !== null &&
        openWith('Opening the sample dataset', async () => openSample(client, starterUrl(), await openProject())),
      openDataset: async (intake) => {
        const place = await makeRoom(intake.name);
        if (place === null) return false;
        if (place === 'add') return actions.addDataset(intake);
        return openWith(`Reading ${intake.name}`, async () =>
          openIntake(client, intake, get().keeping, await openProject()),
        );
      },
      addDataset: (intake) =>
        openWith(`Adding ${intake.name}`, async () => {
          const { dataset, sources, keeping } = get();
          const project = await openProject();
          return dataset
            ? addIntake(client, intake, keeping, project, { dataset, sources }, starterUrl())
            : openIntake(client, intake, keeping, project);
        }),
      reread: async (options) => {
        const { dataset, sources } = get();
        if (!dataset) return false;
        return openWith(`Reading ${dataset.name} again`, async () => ({
          dataset: await client.request({ type: 'reread-dataset', dataset: dataset.id, options }),
          sources,
        }));
      },
      checkPictures: () => checked('check-pictures', 'Checking'),
      compareLooks: () => checked('compare-looks', 'Comparing the pictures of'),
    };
    return {
      device: null,
      deviceProblem: null,
      model: null,
      modelRef: null,
      dataset: null,
      sources: [],
      keeping: 'in-place',
      loading: null,
      waiting: [],
      problem: null,
      silent: null,
      storage: 'auto',
      chooseStorage: (storage) => set({ storage }),
      ...actions,
      async findDevice() {
        try {
          set({ device: await client.request({ type: 'device' }), deviceProblem: null });
        } catch (error) {
          set({ deviceProblem: problemOf(error) });
        }
      },
      chooseProfile: async (choice) => set({ device: await client.request({ type: 'choose-profile', choice }) }),
      startWithSample: async () =>
        (await actions.openSample()) && (get().model !== null || (await actions.loadStarter())),
      keep: (keeping) => set({ keeping }),
      restartEngine: () => {
        set({ silent: null });
        client.restart();
      },
      report: (problem) => set({ problem }),
      dismiss: () => set({ problem: null }),
      settled: (about) => get().problem?.about === about && set({ problem: null }),
      async attempt(about, work) {
        try {
          const value = await work();
          get().settled(about);
          return value;
        } catch (error) {
          set({ problem: { ...problemOf(error), about } });
          return undefined;
        }
      },
      receive(events) {
        const silence = events.findLast((event) => event.type === 'silence');
        if (silence) set({ silent: silence.silent ? silence.of : null });
        const last = events.findLast((event) => event.type === 'loading');
        const loading = get().loading;
        if (!last || !loading) return;
        const at = performance.now();
        const since = last.what === loading.what ? loading.since : at;
        set({ loading: { ...loading, what: last.what, done: last.done, total: last.total, since, at } });
      },
    };
  });
}

/** What to remember of the open dataset; null without one. */
export const datasetRef = ({ dataset, sources }: Project): DatasetRef | null => dataset && refOf(dataset, sources);
