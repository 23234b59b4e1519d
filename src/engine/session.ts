/**
 * The engine as the page (or the command line) sees it: answers requests, runs recipes, reports events. It owns the
 * GPU device and the one loop that uses it; whatever else wants the GPU during a run waits for the loop's next gate.
 */
import { describeError, GroundworkError } from '../base/error.ts';
import { blobSource } from '../formats/byte-source.ts';
import type { Gpu } from '../gpu/device.ts';
import { removeStoredDataset } from '../store/dataset-files.ts';
import { memoryStorage, type Storage } from '../store/storage.ts';
import type { Session as GpuSession } from '../gpu/recorder.ts';
import { loadModel, type CheckpointFolder, type LoadedModel } from '../models/load.ts';
import type { OutputFile } from '../train/export.ts';
import type { Adapters } from './model/adapters.ts';
import { AnswerDesk } from './answers/answer-desk.ts';
import { AnswerShelf } from './keep/answer-shelf.ts';
import { previewRow } from './answers/preview.ts';
import { Datasets } from './data/datasets.ts';
import { Exports } from './export/exports.ts';
import type { DeviceReport } from './protocol/device.ts';
import type { ExportChoice } from './protocol/export.ts';
import type { EngineEvent, EngineRequest, Replies } from './protocol/messages.ts';
import type { ModelReport } from './protocol/model.ts';
import type { Rehearsal, RunState, StepProfile } from './protocol/run.ts';
import type { NamedFile, Recipe, StorageChoice } from './protocol/words.ts';
import { folderName, stripCommonFolder } from './data/folder-files.ts';
import { Gate } from './run/gate.ts';
import { GpuHolder } from './device/gpu-holder.ts';
import { datasetDigest, folderDigest, modelDigest } from './keep/identity.ts';
import { answerMemory } from './model/memory.ts';
import { ModelDesk } from './model/model-desk.ts';
import { Projects, type TakeLock } from './keep/projects.ts';
import { Profiling } from './run/profiling.ts';
import { rehearse } from './run/rehearsal.ts';
import { Workbench } from './model/workbench.ts';
import { Runs } from './run/runs.ts';
import { storageReport } from './model/weight-storage.ts';
import { selfProof } from './device/self-proof.ts';
import { chooseProfile, deviceReport } from './device/tuned-gpu.ts';

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

const STARTER_FILES = [
  'config.json',
  'generation_config.json',
  'preprocessor_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'chat_template.jinja',
  'model.safetensors',
];

export class EngineSession {
  readonly #host: SessionHost;
  readonly #gate: Gate;
  readonly #profiling = new Profiling();
  readonly #gpu: GpuHolder;
  readonly #storage: Storage;
  readonly #runs: Runs;
  readonly #projects: Projects;
  readonly #answers: AnswerDesk;
  #loaded: (LoadedModel & { readonly name: string }) | null = null;
  #stopLoading: () => void = () => {};
  #modelDesk: ModelDesk | null = null;
  readonly #datasets: Datasets;
  /** Loads the model that was loaded last into the device that is now open. */
  #reload: () => Promise<void> = () => Promise.resolve();
  #bench: { readonly dataset: string; readonly bench: Workbench } | null = null;
  readonly #exports: Exports;
  /** Models being loaded: the last one takes the place of the model that a run would stand on. */
  #loading = 0;
  /** The rehearsal under way; one that is no longer here stops. */
  #rehearsal: symbol | null = null;
  /** Settles when the current run has ended, whatever its end. */
  running: Promise<void> = Promise.resolve();

  constructor(host: SessionHost) {
    this.#host = host;
    this.#gate = new Gate((state) => host.emit({ type: 'state', state }));
    this.#datasets = new Datasets({
      tell: (what, done, total) => host.emit({ type: 'loading', what, done, total }),
      fetchSample: (baseUrl) => this.#fetchAll(baseUrl, ['sample.zip']),
    });
    this.#gpu = new GpuHolder(
      () => host.openGpu(),
      () => this.#deviceLost(),
    );
    // What is exported is settled between two steps of a run; its files are made while they are written.
    this.#exports = new Exports({
      files: (choice) => this.#gate.aside(() => this.exportFiles(choice)),
      emit: (event) => host.emit(event),
    });
    this.#storage = host.storage ?? memoryStorage();
    this.#runs = new Runs({
      storage: this.#storage,
      gate: this.#gate,
      pass: () => this.#passGate(),
      emit: (event) => host.emit(event),
      model: () => this.#model(),
      dataset: (id) => this.#datasets.get(id),
      row: (dataset, id) => this.#datasets.row(dataset, id),
      freshBench: (dataset) => this.#workbench(dataset, true),
      begin: (policy) => this.#desk().adapters.lay(policy),
      lost: () => this.#gpu.lost(),
      reopen: () => this.#reload(),
    });
    const shelf = new AnswerShelf(this.#storage);
    this.#projects = new Projects(this.#storage, this.#runs, shelf, host.takeLock);
    this.#answers = new AnswerDesk({
      shelf,
      desk: () => this.#desk(),
      bench: (dataset) => this.#workbench(dataset, false),
      benchOf: (dataset) => (this.#bench?.dataset === dataset ? this.#bench.bench : null),
      dataset: (id) => this.#datasets.get(id),
      row: (dataset, id) => this.#datasets.row(dataset, id),
      active: () => this.#gate.active,
      holds: (project) => this.#projects.holds(project),
      emit: (event) => host.emit(event),
    });
  }

  get state(): RunState {
    return this.#gate.state;
  }

  /** The policy and its evaluations, for reports. */
  get bench(): Workbench | null {
    return this.#bench?.bench ?? null;
  }

  async handle<R extends EngineRequest>(request: R): Promise<Replies[R['type']]> {
    return (await this.#answerRequest(request)) as Replies[R['type']];
  }

  async destroy(): Promise<void> {
    this.#gate.stop();
    await this.running;
    this.#dropBench();
    this.#modelDesk?.destroy();
    this.#loaded?.model.destroy();
    await this.#gpu.destroy();
  }

  async #answerRequest(request: EngineRequest): Promise<unknown> {
    switch (request.type) {
      case 'device':
        return this.#device();
      case 'choose-profile':
        return chooseProfile(this.#storage.records, request.choice).then(() => this.#device());
      case 'self-proof':
        return this.#gate.aside(async () => selfProof(await this.#session()));
      case 'load-starter':
        return this.#load(
          'Groundwork starter',
          await this.#fetchAll(`${request.baseUrl}model/`, STARTER_FILES),
          request.storage,
        );
      case 'load-model':
        return this.#load(request.name ?? folderName(request.files), stripCommonFolder(request.files), request.storage);
      case 'cancel-load':
        this.#stopLoading();
        return null;
      case 'preview':
        return previewRow(
          this.#workbench(request.dataset, false),
          await this.#datasets.row(request.dataset, request.rowId),
        );
      case 'answer':
        return this.#gate.aside(() => this.#answers.one(request));
      case 'coordinate-heat':
        return this.#gate.aside(() => this.#answers.heat(request));
      case 'answer-rows':
        return this.#gate.aside(() => this.#answers.several(request));
      case 'known-answers':
        return this.#gate.aside(() => this.#answers.known(request.dataset, request.project));
      case 'start':
        return this.#start(request);
      case 'rehearse':
        return this.#rehearse(request.dataset, request.recipe);
      case 'profile':
        return this.#profile();
      case 'control':
        if (request.action === 'stop') this.#rehearsal = null;
        return { state: this.#gate.control(request.action) };
      case 'export':
      case 'export-folder':
      case 'cancel-export':
      case 'check-export':
        return this.#exports.answer(request);
      case 'chat':
        this.#desk().chat.announce(request.chatId);
        return this.#gate.aside(() => this.#desk().talk(request, this.bench, (event) => this.#host.emit(event)));
      case 'chat-stop':
        return { stopped: this.#desk().chat.stop(request.chatId) };
      case 'adapters':
      case 'adapter-import':
      case 'adapter-keep':
      case 'adapter-remove':
      case 'adapter-stack':
        if (request.type === 'adapter-stack') this.#refuseWhileRunning('change the stack');
        return this.#gate.aside(() => this.#desk().handle(request, this.bench));
      case 'memory-plan':
        this.#refuseWhileRunning('plan another');
        return answerMemory(request, {
          gpu: (await this.#session()).gpu,
          loaded: this.#loaded,
          dataset: request.dataset === null ? null : this.#datasets.get(request.dataset),
        });
      case 'projects':
        return this.#projects.list();
      case 'save-project':
        return this.#projects.save(request.id, request.change);
      case 'take-project':
        return { owned: await this.#projects.take(request.id) };
      case 'duplicate-project':
        return this.#projects.duplicate(request.id);
      case 'delete-project':
        return this.#projects.remove(request.id).then(() => null);
      case 'delete-copy':
        this.#refuseWhileRunning('delete the copy of a dataset');
        return this.#projects
          .removeCopy(request.location, () => removeStoredDataset(request.location))
          .then(() => null);
      case 'show-run':
        this.#refuseWhileRunning('show another run');
        return this.#runs.show(request.runId);
      case 'run-curves':
        return this.#runs.curves(request.runId);
      case 'identity':
        return {
          model: this.#loaded && (await modelDigest(this.#loaded)),
          dataset: request.dataset === null ? null : await datasetDigest(this.#datasets.get(request.dataset)),
        };
      case 'continue-run':
        return this.#continue(request);
      case 'settle-run':
        return this.#runs.settle(request.runId, request.how).then(() => null);
      case 'save-now':
        return this.#runs.saveNow();
      case 'storage':
        return (await this.#storage.files.space()) ?? { used: null, quota: null };
      default:
        return this.#datasets.answer(request, this.#bench?.dataset ?? null);
    }
  }

  #session(): Promise<GpuSession> {
    return this.#gpu.session();
  }

  /** A run sees to itself; between runs, what was loaded and learnt is brought back at once. */
  #deviceLost(): void {
    if (this.#gate.active) return;
    this.#host.emit({ type: 'notice', message: 'The graphics device was lost. Groundwork opens it again.' });
    void this.#gate
      .aside(() => this.#runs.recover())
      .then(
        () => this.#host.emit({ type: 'notice', message: 'The graphics device is back.' }),
        (error: unknown) => this.#host.emit({ type: 'failure', ...describeError(error) }),
      );
  }

  async #device(): Promise<DeviceReport> {
    return deviceReport((await this.#session()).gpu, this.#storage.records);
  }

  async #fetchAll(base: string, names: readonly string[]): Promise<NamedFile[]> {
    const files: NamedFile[] = [];
    for (const [i, name] of names.entries()) {
      files.push({ path: name, file: await this.#host.fetchFile(base + name) });
      this.#host.emit({ type: 'loading', what: name, done: i + 1, total: names.length });
    }
    return files;
  }

  async #load(name: string, files: readonly NamedFile[], storage: StorageChoice = 'auto'): Promise<ModelReport> {
    this.#refuseWhileRunning('load another model');
    const folder = new Map(files.map(({ path, file }) => [path, blobSource(file)]));
    this.#loading++;
    try {
      const report = await this.#loadFolder(name, folder, storage);
      this.#reload = async () => void (await this.#loadFolder(name, folder, storage, this.#modelDesk?.adapters));
      return report;
    } finally {
      this.#loading--;
    }
  }

  /** @param kept adapters of the same model, before its device was lost */
  async #loadFolder(
    name: string,
    folder: CheckpointFolder,
    storage: StorageChoice,
    kept?: Adapters,
  ): Promise<ModelReport> {
    const session = await this.#session();
    const stop = new AbortController();
    this.#stopLoading = () =>
      stop.abort(new GroundworkError('cancelled', 'Loading was stopped.', 'The model loaded before is still there.'));
    const loaded = await loadModel(session, folder, {
      signal: stop.signal,
      ...(storage !== 'auto' && { dtype: storage }),
      onProgress: (done, total) => this.#host.emit({ type: 'loading', what: 'weights', done, total }),
    });
    await session.kernels.ready();
    const digest = await folderDigest(folder);
    this.#dropBench();
    this.#modelDesk?.destroy();
    this.#loaded?.model.destroy();
    this.#loaded = { ...loaded, name };
    this.#modelDesk = new ModelDesk(this.#loaded, kept);
    const { model, processor } = loaded;
    return {
      name,
      digest,
      modelType: model.modelType,
      parameters: model.parameterCount,
      weightBytes: model.weightBytes,
      hiddenSize: model.decoderShape.hiddenSize,
      layers: model.decoderShape.layers,
      vocabSize: model.vocabSize,
      boxConvention: processor.convention.words,
      notes: loaded.notes,
      ...storageReport(loaded),
    };
  }

  #model(): LoadedModel & { readonly name: string } {
    if (this.#loaded) return this.#loaded;
    throw new GroundworkError(
      'model-missing',
      'No model is loaded.',
      'Load the starter model or a checkpoint folder first.',
    );
  }

  #desk(): ModelDesk {
    this.#model();
    return this.#modelDesk!;
  }

  /** The workbench of a dataset; a new one forgets what was trained on another. */
  #workbench(dataset: string, fresh: boolean): Workbench {
    const loaded = this.#model();
    if (!fresh && this.#bench?.dataset === dataset) return this.#bench.bench;
    // The run's own would be dropped for it.
    if (!fresh && this.#gate.active) this.#refuseWhileRunning('have the model read another dataset');
    this.#dropBench();
    const bench = new Workbench(loaded, this.#datasets.get(dataset));
    this.#bench = { dataset, bench };
    return bench;
  }

  #dropBench(): void {
    this.#bench?.bench.destroy();
    this.#bench = null;
  }

  async #start(request: Extract<EngineRequest, { type: 'start' }>): Promise<{ runId: string }> {
    const { paused = false, watch = null, project = null, keep = {} } = request;
    this.#refuseWhileRunning('start another run');
    this.#datasets.requireSettled(request.dataset);
    this.#projects.requireOwned(project);
    for (const rowId of watch?.rowIds ?? []) await this.#datasets.row(request.dataset, rowId);
    this.#refuseWhileRunning('start another run'); // one may have begun while rows were read
    this.#refuseWhileLoading('start a run');
    const { runId, ended } = this.#runs.start({ ...request, paused, watch, project, keep });
    this.#follow(ended, request.recipe);
    return { runId };
  }

  async #continue(request: Extract<EngineRequest, { type: 'continue-run' }>): Promise<{ runId: string }> {
    const { runId, dataset, go, paused = false } = request;
    this.#refuseWhileRunning('go on with another run');
    const { project, recipe } = await this.#runs.find(runId);
    if (go) this.#projects.requireOwned(project);
    this.#refuseWhileLoading('go on with a run');
    const { ended } = await this.#runs.continue(runId, dataset, go, paused);
    if (ended) this.#follow(ended, recipe);
    else {
      const { adapters } = this.#desk();
      adapters.leaveToRun();
      // The tuned policy is another one from now on.
      this.#host.emit({ type: 'adapters', report: adapters.report });
    }
    return { runId };
  }

  #follow(ended: Promise<void>, recipe: Recipe): void {
    this.#desk().adapters.leaveToRun();
    this.running = ended.then(
      async () => {
        await this.#profiling.end();
        await this.#keep(recipe);
        this.#gate.end('finished');
      },
      async (error: unknown) => {
        await this.#profiling.end().catch(() => {}); // the run's own error is the one to tell
        await this.#keep(recipe);
        this.#host.emit({ type: 'failure', ...describeError(error) });
        this.#gate.end('failed');
      },
    );
  }

  /** What a run has learnt stays at hand when the next one begins. */
  async #keep(recipe: Recipe): Promise<void> {
    const desk = this.#modelDesk;
    if (!desk || !this.bench) return;
    // After a failure there may be nothing to read any more; its checkpoint is on disk.
    await desk.keepRun(this.bench, recipe).catch(() => {});
    this.#host.emit({ type: 'adapters', report: desk.adapters.report });
  }

  async #passGate(): Promise<boolean> {
    await this.#profiling.arrive();
    const go = await this.#gate.pass();
    if (go) this.#profiling.leave();
    return go;
  }

  async #profile(): Promise<StepProfile> {
    if (!this.#gate.active)
      throw new GroundworkError(
        'run-missing',
        'There is no step to profile: no run is going on.',
        'Start a run, and ask again while it goes on.',
      );
    return this.#profiling.ask(await this.#session());
  }

  async #rehearse(dataset: string, recipe: Recipe): Promise<Rehearsal> {
    this.#refuseWhileRunning('rehearse another');
    this.#refuseWhileLoading('rehearse a plan');
    const loaded = this.#model();
    const mine = (this.#rehearsal = Symbol('rehearsal'));
    try {
      return await this.#gate.aside(() =>
        rehearse(loaded, this.#datasets.get(dataset), recipe, {
          next: (what, done, total) => {
            this.#host.emit({ type: 'loading', what, done, total });
            return this.#rehearsal === mine;
          },
        }),
      );
    } finally {
      if (this.#rehearsal === mine) this.#rehearsal = null;
    }
  }

  /** The files of an export, each produced when it is read. Throws `adapter-missing` before anything was trained. */
  exportFiles(choice: ExportChoice): Promise<OutputFile[]> {
    return this.#desk().files(choice, this.bench);
  }

  #refuseWhileLoading(what: string): void {
    if (this.#loading === 0) return;
    throw new GroundworkError(
      'model-loading',
      `A model is being loaded, so Groundwork will not ${what}.`,
      'Wait until it is there, or stop the loading.',
    );
  }

  #refuseWhileRunning(what: string): void {
    if (this.#rehearsal)
      throw new GroundworkError(
        'rehearsal-active',
        `A rehearsal is going on, so Groundwork will not ${what}.`,
        'Wait for its end, or cancel it; nothing is lost by that.',
      );
    if (!this.#gate.active) return;
    throw new GroundworkError(
      'run-active',
      `A run is going on, so Groundwork will not ${what}.`,
      'Stop the run first; what it has learnt can be exported.',
    );
  }
}
