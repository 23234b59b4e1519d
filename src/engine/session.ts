/**
 * The engine as the page (or the command line) sees it: answers requests, runs recipes, reports events. It owns the
 * GPU device and the one loop that uses it; whatever else wants the GPU during a run waits for the loop's next gate.
 * Here its desks are put together; each answers its part of the protocol.
 */
import { describeError } from '../base/error.ts';
import type { Gpu } from '../gpu/device.ts';
import { damageNotice } from '../store/records.ts';
import { memoryStorage, type Storage } from '../store/storage.ts';
import type { OutputFile } from '../train/checkpoint-folder.ts';
import { AnswerDesk } from './answers/answer-desk.ts';
import { ChatDesk } from './answers/chat-desk.ts';
import { ScoreDesk } from './answers/score-desk.ts';
import { Datasets } from './data/datasets.ts';
import { deviceDesk } from './device/device-desk.ts';
import { GpuHolder } from './device/gpu-holder.ts';
import { exportFiles, exportObstacles } from './export/export-files.ts';
import { Exports } from './export/exports.ts';
import { AnswerShelf } from './keep/answer-shelf.ts';
import { JobDesk } from './jobs/job-desk.ts';
import { EditShelf } from './keep/edit-shelf.ts';
import { PredictionShelf } from './keep/prediction-shelf.ts';
import { projectDesk } from './keep/project-desk.ts';
import { Projects, type TakeLock } from './keep/projects.ts';
import { adapterDesk } from './model/adapter-desk.ts';
import { ModelDesk } from './model/model-desk.ts';
import { ModelHolder } from './model/model-holder.ts';
import type { Workbench } from './model/workbench.ts';
import { answer, type Typed } from './protocol/answer.ts';
import type {
  EngineEvent,
  EngineRequest,
  ExportChoice,
  Handlers,
  JobChoice,
  NamedFile,
  Replies,
  RunState,
  ToldEvent,
} from './protocol/index.ts';
import { reportDesk } from './report/report-desk.ts';
import { Gate } from './run/gate.ts';
import { Occupancy } from './run/occupancy.ts';
import { toldBy } from './run/driver.ts';
import { ResultDesk, soundOf } from './run/result-desk.ts';
import { evaluationsOf } from './run/results.ts';
import { RunDesk } from './run/run-desk.ts';
import { ThoughtDesk } from './thoughts/thought-desk.ts';

export interface SessionHost {
  openGpu(): Promise<Gpu>;
  /** Reads a file below the place the app is served from. */
  fetchFile(url: string): Promise<Blob>;
  emit(event: EngineEvent): void;
  /** Default: memory, which ends with the engine. */
  readonly storage?: Storage;
  /** Default: whoever asks gets it. */
  readonly takeLock?: TakeLock;
}

export class EngineSession {
  readonly #host: SessionHost;
  readonly #gate: Gate;
  readonly #gpu: GpuHolder;
  readonly #holder: ModelHolder;
  readonly #runs: RunDesk;
  /** What a run has said, as far as it is of its form. */
  readonly #told: (run: string) => Promise<ToldEvent[]>;
  readonly #jobs: JobDesk;
  readonly #handlers: Handlers<EngineRequest>;

  constructor(host: SessionHost) {
    this.#host = host;
    const storage = host.storage ?? memoryStorage();
    const emit = (event: EngineEvent) => host.emit(event);
    storage.records.onDamage((damage) => emit({ type: 'notice', message: damageNotice(damage) }));
    const gate = (this.#gate = new Gate((state) => emit({ type: 'state', state })));
    const occupancy = new Occupancy(gate);
    const gpu = (this.#gpu = new GpuHolder(
      () => host.openGpu(),
      () => this.#deviceLost(),
      (silent) => emit({ type: 'silence', of: 'device', silent }),
    ));
    const edits = new EditShelf(storage);
    const datasets = new Datasets({
      tell: (what, done, total) => emit({ type: 'loading', what, done, total }),
      fetchSample: (baseUrl) => this.#fetchFiles(baseUrl, ['sample.zip']),
      inUse: () => holder.dataset,
      edits: {
        read: edits.read.bind(edits),
        append: edits.append.bind(edits),
        requireOwned: (project) => projects.requireOwned(project),
      },
    });
    /** What several desks ask of the others. */
    const common = {
      storage,
      emit,
      session: () => gpu.session(),
      dataset: datasets.get.bind(datasets),
      row: datasets.row.bind(datasets),
      aside: gate.aside.bind(gate),
      refuseInRun: occupancy.refuseInRun.bind(occupancy),
      refuseWhileRunning: occupancy.refuseWhileRunning.bind(occupancy),
    };
    const holder = (this.#holder = new ModelHolder(common));
    const models = new ModelDesk({
      ...common,
      holder,
      fetchFiles: (base, names) => this.#fetchFiles(base, names),
      loading: (work) => occupancy.loading(work),
      quiet: () => datasets.quiet(),
    });
    this.#told = async (run) => soundOf(await toldBy(storage, run));
    const shelf = new AnswerShelf(storage);
    const predictions = new PredictionShelf(storage);
    const discard = (run: string) => this.#runs.runs.settle(run, 'discard');
    const projects = new Projects(storage, { discard }, shelf, predictions, host.takeLock);
    const runs = (this.#runs = new RunDesk({
      ...common,
      gate,
      occupancy,
      holder,
      requireSettled: (dataset) => datasets.requireSettled(dataset),
      requireOwned: (project) => projects.requireOwned(project),
      holding: (project, work) => projects.holding(project, work),
      lost: () => gpu.lost(),
      explain: gpu.explain.bind(gpu),
      reload: () => models.reload(),
    }));
    const answers = new AnswerDesk({
      ...common,
      holder,
      shelf,
      active: () => gate.active,
      holds: (project) => projects.holds(project),
    });
    const scores = new ScoreDesk({
      ...common,
      holder,
      shelf: predictions,
      holds: (project) => projects.holds(project),
      predict: answers.predict.bind(answers),
    });
    const exports = new Exports({
      // What is exported is settled between two steps of a run; its files are made while they are written.
      files: (choice) => gate.aside(() => this.exportFiles(choice)),
      obstacles: () => gate.aside(() => exportObstacles(this.#holder)),
      emit,
    });
    const reports = reportDesk({
      ...common,
      run: async (id) => ({ record: await runs.runs.find(id), told: await this.#told(id) }),
      entries: scores.entries.bind(scores),
      picture: async (dataset, path, height) =>
        (await datasets.handlers.thumbnail({ type: 'thumbnail', dataset, path, height })).blob,
    });
    const thoughts = new ThoughtDesk({
      ...common,
      files: storage.files,
      requireSettled: (id) => datasets.requireSettled(id),
      edit: (id, project, edits) => datasets.handlers['edit-rows']({ type: 'edit-rows', dataset: id, project, edits }),
      space: () => holder.loaded?.processor.convention.space ?? null,
    });
    const jobs = (this.#jobs = new JobDesk({ ...common, holder, requireSettled: (id) => datasets.requireSettled(id) }));
    this.#handlers = {
      ...adapterDesk({ ...common, holder }),
      ...answers.handlers,
      ...new ChatDesk({ ...common, holder }).handlers,
      ...datasets.handlers,
      ...deviceDesk({ ...common, records: storage.records }),
      ...exports.handlers,
      ...jobs.handlers,
      ...projectDesk({
        ...common,
        projects,
        loaded: () => holder.loaded,
        sources: (dataset) => datasets.sources(dataset),
        tell: (what, done, total) => emit({ type: 'loading', what, done, total }),
      }),
      ...models.handlers,
      ...reports,
      ...new ResultDesk(storage).handlers,
      ...runs.handlers,
      ...scores.handlers,
      ...thoughts.handlers,
    };
  }

  get state(): RunState {
    return this.#gate.state;
  }

  /** The policy and its evaluations, for reports. */
  get bench(): Workbench | null {
    return this.#holder.bench;
  }

  /** Settles when the current run has ended, whatever its end. */
  get running(): Promise<void> {
    return this.#runs.running;
  }

  async handle<T extends EngineRequest['type']>(request: Typed<T>): Promise<Replies[T]> {
    try {
      return await answer<T>(this.#handlers, request.type, request);
    } catch (error) {
      // Who is asked while the device goes hears that, and not what Dawn or the browser say of a command that broke.
      throw await this.#gpu.explain(error);
    }
  }

  /** The files of an export, each produced when it is read. Throws `adapter-missing` before anything was trained. */
  async exportFiles(choice: ExportChoice): Promise<OutputFile[]> {
    const run = choice.runId === undefined ? null : await this.#runs.runs.find(choice.runId);
    // What a run has measured is in its log, also of those that ended in another visit.
    const told = run === null ? [] : await this.#told(run.id);
    return exportFiles(this.#holder, choice, run && { record: run, evaluations: evaluationsOf(told) });
  }

  /** The files of a job for another engine, each produced when it is read. Throws `job-unable` before the first. */
  jobFiles(choice: JobChoice): Promise<OutputFile[]> {
    return this.#jobs.files(choice);
  }

  async destroy(): Promise<void> {
    this.#gate.stop();
    await this.running;
    this.#holder.destroy();
    await this.#gpu.destroy();
  }

  /** A run sees to itself; between runs, what was loaded and learnt is brought back at once. */
  #deviceLost(): void {
    if (this.#gate.active) return;
    const { emit } = this.#host;
    emit({ type: 'notice', message: 'The graphics device was lost. Groundwork opens it again.' });
    void this.#gate
      .aside(() => this.#runs.runs.recover())
      .then(
        () => emit({ type: 'notice', message: 'The graphics device is back.' }),
        (error: unknown) => emit({ type: 'failure', ...describeError(error) }),
      );
  }

  async #fetchFiles(base: string, names: readonly string[]): Promise<NamedFile[]> {
    const files: NamedFile[] = [];
    for (const [i, name] of names.entries()) {
      files.push({ path: name, file: await this.#host.fetchFile(base + name) });
      this.#host.emit({ type: 'loading', what: name, done: i + 1, total: names.length });
    }
    return files;
  }
}
