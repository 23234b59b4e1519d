/**
 * The engine as the page (or the command line) sees it: answers requests, runs recipes, reports events. It owns the
 * GPU device and the one loop that uses it; whatever else wants the GPU during a run waits for the loop's next gate.
 */
import { GroundworkError } from '../base/error.ts';
import type { Row } from '../data/row.ts';
import { blobSource } from '../formats/byte-source.ts';
import { writeZip } from '../formats/zip.ts';
import type { Gpu } from '../gpu/device.ts';
import { Session as GpuSession } from '../gpu/recorder.ts';
import { loadModel, type LoadedModel } from '../models/load.ts';
import { adapterFiles, mergedFiles, shardNames, type OutputFile } from '../train/export.ts';
import { answerRows, withImageOrder } from './answer.ts';
import { Datasets } from './datasets.ts';
import { Gate } from './gate.ts';
import { answerMemory } from './memory.ts';
import type {
  Answer,
  DeviceReport,
  EncodedPreview,
  EngineEvent,
  ModelReport,
  NamedFile,
  Recipe,
  Rehearsal,
  Replies,
  Request,
  RunState,
  StepProfile,
} from './protocol.ts';
import { Profiling } from './profiling.ts';
import { rehearse } from './rehearsal.ts';
import { runRecipe, Workbench } from './run.ts';
import { selfProof } from './self-proof.ts';
import { Watcher } from './watch.ts';

export interface SessionHost {
  openGpu(): Promise<Gpu>;
  /** Reads a file below the place the app is served from. */
  fetchFile(url: string): Promise<Blob>;
  emit(event: EngineEvent): void;
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
  #gpu: Promise<GpuSession> | null = null;
  #loaded: (LoadedModel & { readonly name: string }) | null = null;
  readonly #datasets: Datasets;
  #bench: { readonly dataset: string; readonly bench: Workbench } | null = null;
  #runs = 0;
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
  }

  get state(): RunState {
    return this.#gate.state;
  }

  /** The policy and its evaluations, for reports. */
  get bench(): Workbench | null {
    return this.#bench?.bench ?? null;
  }

  async handle<R extends Request>(request: R): Promise<Replies[R['type']]> {
    return (await this.#answerRequest(request)) as Replies[R['type']];
  }

  async destroy(): Promise<void> {
    this.#gate.stop();
    await this.running;
    this.#dropBench();
    this.#loaded?.model.destroy();
    (await this.#gpu)?.destroy();
  }

  async #answerRequest(request: Request): Promise<unknown> {
    switch (request.type) {
      case 'device':
        return this.#device();
      case 'self-proof':
        return this.#gate.aside(async () => selfProof(await this.#session()));
      case 'load-starter':
        return this.#load('Groundwork starter', await this.#fetchAll(`${request.baseUrl}model/`, STARTER_FILES));
      case 'load-model':
        return this.#load(folderName(request.files), stripCommonFolder(request.files));
      case 'preview':
        return this.#preview(request.dataset, request.rowId);
      case 'answer':
        return this.#gate.aside(() => this.#answers(request));
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
        return this.#gate.aside(() => this.#export(request.what));
      case 'memory-plan':
        this.#refuseWhileRunning('plan another');
        return answerMemory(request, {
          gpu: (await this.#session()).gpu,
          loaded: this.#loaded,
          dataset: request.dataset === null ? null : this.#datasets.get(request.dataset),
        });
      default:
        return this.#datasets.answer(request, this.#bench?.dataset ?? null);
    }
  }

  async #session(): Promise<GpuSession> {
    this.#gpu ??= this.#host.openGpu().then((gpu) => {
      void gpu.lost.then(({ reason, message }) => {
        if (reason === 'destroyed') return;
        this.#host.emit({
          type: 'failure',
          code: 'device-lost',
          message: `The graphics device was lost: ${message}`,
          hint: 'Reload the page and start the run again; close other programs that use the GPU.',
        });
      });
      return new GpuSession(gpu);
    });
    try {
      return await this.#gpu;
    } catch (error) {
      this.#gpu = null;
      throw error;
    }
  }

  async #device(): Promise<DeviceReport> {
    const { gpu } = await this.#session();
    return {
      name: gpu.name,
      vendor: gpu.vendor,
      software: gpu.software,
      features: gpu.features,
      maxBindingBytes: gpu.limits.maxStorageBufferBindingSize,
    };
  }

  async #fetchAll(base: string, names: readonly string[]): Promise<NamedFile[]> {
    const files: NamedFile[] = [];
    for (const [i, name] of names.entries()) {
      files.push({ path: name, file: await this.#host.fetchFile(base + name) });
      this.#host.emit({ type: 'loading', what: name, done: i + 1, total: names.length });
    }
    return files;
  }

  async #load(name: string, files: readonly NamedFile[]): Promise<ModelReport> {
    this.#refuseWhileRunning('load another model');
    const session = await this.#session();
    const folder = new Map(files.map(({ path, file }) => [path, blobSource(file)]));
    const loaded = await loadModel(session, folder, {
      onProgress: (done, total) => this.#host.emit({ type: 'loading', what: 'weights', done, total }),
    });
    await session.kernels.ready();
    this.#dropBench();
    this.#loaded?.model.destroy();
    this.#loaded = { ...loaded, name };
    const { model, processor } = loaded;
    return {
      name,
      modelType: model.modelType,
      parameters: model.parameterCount,
      weightBytes: model.weightBytes,
      hiddenSize: model.decoderShape.hiddenSize,
      layers: model.decoderShape.layers,
      vocabSize: model.vocabSize,
      boxConvention: processor.convention.words,
    };
  }

  #model(): LoadedModel {
    if (this.#loaded) return this.#loaded;
    throw new GroundworkError(
      'model-missing',
      'No model is loaded.',
      'Load the starter model or a checkpoint folder first.',
    );
  }

  /** The workbench of a dataset; a new one forgets what was trained on another. */
  #workbench(dataset: string, fresh: boolean): Workbench {
    const loaded = this.#model();
    if (!fresh && this.#bench?.dataset === dataset) return this.#bench.bench;
    this.#dropBench();
    const bench = new Workbench(loaded, this.#datasets.get(dataset));
    this.#bench = { dataset, bench };
    return bench;
  }

  #dropBench(): void {
    this.#bench?.bench.destroy();
    this.#bench = null;
  }

  async #preview(dataset: string, rowId: string): Promise<EncodedPreview> {
    const bench = this.#workbench(dataset, false);
    const [sample] = await bench.samples.encode([await this.#datasets.row(dataset, rowId)]);
    const { tokenizer, gridOf } = bench.loaded.processor;
    const text = (id: number) => tokenizer.decode([id]);
    return {
      sizes: sample!.sizes.map((model, i) => ({
        natural: sample!.natural[i]!,
        model,
        tokens: bench.loaded.model.featureCount(gridOf(model)),
      })),
      promptText: sample!.promptText,
      targetText: sample!.targetText,
      tokens: [
        ...Array.from(sample!.prompt.tokens, (id) => ({ text: text(id), inLoss: false })),
        ...Array.from(sample!.completion, (id) => ({ text: text(id), inLoss: true })),
      ],
    };
  }

  async #answers({ dataset, rowId, policies, order = [] }: Extract<Request, { type: 'answer' }>): Promise<Answer[]> {
    const bench = this.#workbench(dataset, false);
    const row = withImageOrder(await this.#datasets.row(dataset, rowId), order);
    const answers: Answer[] = [];
    for (const policy of policies) answers.push(...(await answerRows(bench, [row], policy)));
    return answers;
  }

  async #start({
    dataset,
    recipe,
    paused = false,
    watch,
  }: Extract<Request, { type: 'start' }>): Promise<{ runId: string }> {
    this.#refuseWhileRunning('start another run');
    this.#datasets.requireSettled(dataset);
    const watched: Row[] = [];
    for (const rowId of watch?.rowIds ?? []) watched.push(await this.#datasets.row(dataset, rowId));
    this.#refuseWhileRunning('start another run'); // one may have begun while rows were read
    const bench = this.#workbench(dataset, true);
    const watcher = new Watcher(bench, watched, watch?.everySteps ?? 1, (event) => this.#host.emit(event));
    this.#gate.begin(paused);
    this.running = runRecipe(bench, recipe, {
      emit: (event) => this.#host.emit(event),
      gate: () => this.#passGate(),
      look: (...at) => watcher.look(...at),
    }).then(
      async () => {
        await this.#profiling.end();
        this.#gate.end('finished');
      },
      async (error: unknown) => {
        await this.#profiling.end().catch(() => {}); // the run's own error is the one to tell
        this.#host.emit({ type: 'failure', ...describeError(error) });
        this.#gate.end('failed');
      },
    );
    return { runId: `run-${++this.#runs}` };
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

  async #export(what: 'adapter' | 'merged'): Promise<{ fileName: string; stream: ReadableStream<Uint8Array> }> {
    return {
      fileName: `groundwork-${what}.zip`,
      stream: writeZip((await this.exportFiles(what)) as Parameters<typeof writeZip>[0]),
    };
  }

  /** The files of an export, each produced when it is read. Throws `adapter-missing` before anything was trained. */
  async exportFiles(what: 'adapter' | 'merged'): Promise<OutputFile[]> {
    const bench = this.#bench?.bench;
    if (!bench)
      throw new GroundworkError(
        'adapter-missing',
        'Nothing has been trained yet.',
        'Run a recipe with an SFT or GRPO stage first.',
      );
    const { folder, checkpoint, model, architecture } = bench.loaded;
    if (what === 'adapter')
      return adapterFiles(await bench.policy.combinedAdapter(), model.linears, this.#loaded?.name ?? '');
    const adapters = await bench.policy.learnt();
    return mergedFiles(folder, checkpoint, await shardNames(folder), adapters, (key) =>
      architecture.canonicalName(key),
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

export function describeError(error: unknown): { code: string; message: string; hint: string } {
  if (error instanceof GroundworkError) return { code: error.code, message: error.message, hint: error.hint };
  return {
    code: 'internal',
    message: error instanceof Error ? error.message : String(error),
    hint: 'This is a defect in Groundwork; please report it with the message. Reloading the page starts afresh.',
  };
}

/** Files below one folder, without its name. */
function stripCommonFolder(files: readonly NamedFile[]): NamedFile[] {
  const config = files.find(({ path }) => /(^|\/)config\.json$/.test(path));
  if (!config)
    throw new GroundworkError(
      'checkpoint-incomplete',
      'There is no config.json among these files.',
      'Choose the whole folder of a Hugging Face checkpoint.',
    );
  const prefix = config.path.slice(0, -'config.json'.length);
  return files
    .filter(({ path }) => path.startsWith(prefix))
    .map(({ path, file }) => ({ path: path.slice(prefix.length), file }));
}

const folderName = (files: readonly NamedFile[]): string =>
  files[0]?.path.split('/').slice(0, -1)[0] || 'local checkpoint';
