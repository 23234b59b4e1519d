/** Loads models, and loads the last one again after its device was lost; says what a plan would need of one. */
import { GroundworkError } from '../../base/error.ts';
import type { Dataset } from '../../data/dataset.ts';
import { blobSource } from '../../formats/byte-source.ts';
import { servedFacts } from './served-facts.ts';
import { legacyName } from '../../formats/peft-names.ts';
import type { Session } from '../../gpu/recorder.ts';
import { loadModel, type CheckpointFolder } from '../../models/load.ts';
import { folderDigest } from '../keep/identity.ts';
import type { Handlers } from '../protocol/messages.ts';
import type { ModelReport, ModelRequest, ReckoningEvent } from '../protocol/model.ts';
import type { PictureRequest } from '../protocol/pictures.ts';
import type { LoadingEvent, NamedFile, StorageChoice } from '../protocol/words.ts';
import type { Adapters } from './adapters.ts';
import { folderName, stripCommonFolder } from './folder-files.ts';
import { answerMemory } from './memory.ts';
import type { ModelHolder } from './model-holder.ts';
import { pictureReport } from './picture-report.ts';
import { unfitRows } from './unfit-rows.ts';
import { storageReport } from './weight-storage.ts';

export interface ModelDeskHost {
  readonly holder: ModelHolder;
  session(): Promise<Session>;
  /** Reads files below the place the app is served from. */
  fetchFiles(base: string, names: readonly string[]): Promise<NamedFile[]>;
  /** Throws `dataset-missing`. */
  dataset(id: string): Dataset;
  /** Throws `run-active` and `rehearsal-active`. */
  refuseWhileRunning(what: string): void;
  /** No run and no rehearsal begins while a model is being loaded: it takes the place of the one they would stand on. */
  loading<T>(work: () => Promise<T>): Promise<T>;
  emit(event: LoadingEvent | ReckoningEvent): void;
  /** Settles when no dataset is being opened or read: reckoning waits for that, never the other way. */
  quiet(): Promise<void>;
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

export class ModelDesk {
  readonly #host: ModelDeskHost;
  #stopLoading: () => void = () => {};
  /** Of several reckonings the newest counts, and of several looks at pictures. */
  #reckoning = 0;
  #picturing = 0;
  /** Loads the model that was loaded last into the device that is now open. */
  reload: () => Promise<void> = () => Promise.resolve();

  constructor(host: ModelDeskHost) {
    this.#host = host;
  }

  readonly handlers: Handlers<ModelRequest | PictureRequest> = {
    'load-starter': async ({ baseUrl, storage }) => {
      const files = await this.#host.fetchFiles(`${baseUrl}model/`, STARTER_FILES);
      return this.#load('Groundwork starter', files, storage);
    },
    'load-model': async ({ files, name, storage }) =>
      this.#load(name ?? folderName(files), stripCommonFolder(files), storage),
    'unfit-rows': ({ dataset }) => unfitRows(this.#host.dataset(dataset), this.#host.holder.require().processor),
    'picture-report': async ({ dataset, recipe }) => {
      const mine = ++this.#picturing;
      const turn = async () => {
        await new Promise((resolve) => setTimeout(resolve));
        if (mine !== this.#picturing)
          throw new GroundworkError('superseded', 'Another budget is looked at.', 'The newer question is answered.');
      };
      return pictureReport(recipe, {
        loaded: this.#host.holder.require(),
        dataset: this.#host.dataset(dataset),
        turn,
        tell: (done, total) => this.#host.emit({ type: 'reckoning', what: 'row lengths', done, total }),
      });
    },
    'cancel-load': async () => {
      this.#stopLoading();
      return null;
    },
    'memory-plan': async (request) => {
      const { holder, session, dataset } = this.#host;
      this.#host.refuseWhileRunning('plan another recipe');
      const mine = ++this.#reckoning;
      const { gpu } = await session();
      return answerMemory(request, {
        gpu,
        loaded: holder.loaded,
        dataset: request.dataset === null ? null : dataset(request.dataset),
        turn: () => this.#turn(mine),
        tell: (what, done, total) => this.#host.emit({ type: 'reckoning', what, done, total }),
      });
    },
  };

  /** Whatever else was asked has its turn; what it takes to open data is waited for. */
  async #turn(mine: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve));
    await this.#host.quiet();
    if (mine !== this.#reckoning)
      throw new GroundworkError('superseded', 'The memory is reckoned anew.', 'The newer question is answered.');
    this.#host.refuseWhileRunning('plan another recipe');
  }

  async #load(name: string, files: readonly NamedFile[], storage: StorageChoice = 'auto'): Promise<ModelReport> {
    const { holder, loading } = this.#host;
    this.#host.refuseWhileRunning('load another model');
    const folder = new Map(files.map(({ path, file }) => [path, blobSource(file)]));
    return loading(async () => {
      const report = await this.#loadFolder(name, folder, storage);
      this.reload = async () => void (await this.#loadFolder(name, folder, storage, holder.kept ?? undefined));
      return report;
    });
  }

  /** @param kept adapters of the same model, before its device was lost */
  async #loadFolder(
    name: string,
    folder: CheckpointFolder,
    storage: StorageChoice,
    kept?: Adapters,
  ): Promise<ModelReport> {
    const session = await this.#host.session();
    const stop = new AbortController();
    this.#stopLoading = () =>
      stop.abort(
        new GroundworkError('cancelled', 'Loading was stopped.', 'The model that was loaded before is still there.'),
      );
    const loaded = await loadModel(session, folder, {
      signal: stop.signal,
      ...(storage !== 'auto' && { dtype: storage }),
      onProgress: (done, total) => this.#host.emit({ type: 'loading', what: 'weights', done, total }),
    });
    await session.kernels.ready();
    const digest = await folderDigest(folder);
    this.#host.holder.put({ ...loaded, name }, kept);
    const { model, architecture } = loaded;
    const older = legacyName('model.language_model.layers');
    return {
      name,
      digest,
      parameters: model.parameterCount,
      weightBytes: model.weightBytes,
      hiddenSize: model.decoderShape.hiddenSize,
      layers: model.decoderShape.layers,
      vocabSize: model.vocabSize,
      renamed: architecture.canonicalName(older) !== older,
      ...servedFacts(loaded),
      notes: loaded.notes,
      ...storageReport(loaded),
    };
  }
}
