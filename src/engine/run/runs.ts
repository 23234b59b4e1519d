/** Runs: started, gone on with after an interruption, shown again, settled. One at a time. */
import { GroundworkError } from '../../base/error.ts';
import type { Dataset } from '../../data/dataset.ts';
import type { Row } from '../../data/row.ts';
import type { LoadedModel } from '../../models/load.ts';
import type { Storage } from '../../store/storage.ts';
import { restorePolicy } from '../../train/checkpoint.ts';
import { readRecipe, requireRecipe } from '../../train/recipe-schema.ts';
import type { Policy } from '../../train/policy.ts';
import { Driver, gapNotice, restoredEvent, rewind, toldBy } from './driver.ts';
import type { Gate } from './gate.ts';
import { identityOf } from '../keep/identity.ts';
import { RunLabels } from '../keep/run-labels.ts';
import type { EngineEvent } from '../protocol/messages.ts';
import type { RunReplies, Watch } from '../protocol/run.ts';
import type { Recipe } from '../protocol/words.ts';
import { keptCheckpoints, loadCheckpoint, loadKept, type SavedCheckpoint } from '../keep/keeper.ts';
import type { Workbench } from '../model/workbench.ts';
import { type KeepSettings, type KeptCheckpoint, type RunRecord } from '../protocol/records.ts';
import { Watcher } from './watch.ts';

export interface RunsHost {
  readonly storage: Storage;
  readonly gate: Gate;
  /** Waits at the gate between two units of work. */
  pass(): Promise<boolean>;
  emit(event: EngineEvent): void;
  /** The model that is loaded. Throws `model-missing`. */
  model(): LoadedModel & { readonly name: string };
  /** Throws `dataset-missing`. */
  dataset(id: string): Dataset;
  /** Throws `row-missing`. */
  row(dataset: string, id: string): Promise<Row>;
  /** A bench with a policy that has learnt nothing; the one before is dropped. */
  freshBench(dataset: string, rows: Dataset): Workbench;
  /** Lays what a run stands on into its policy, before its first step. */
  begin(policy: Policy): Promise<void>;
  lost(): Promise<never>;
  /** What is behind an error: the loss of the device, where there is one. */
  explain(error: unknown): Promise<unknown>;
  reopen(): Promise<void>;
}

export interface StartOptions {
  readonly dataset: string;
  readonly recipe: Recipe;
  readonly paused: boolean;
  readonly project: string | null;
  readonly keep: Partial<KeepSettings>;
  readonly watch: Watch | null;
}

/** Of a dataset's edits, what a run records. */
function editsSeen({ report }: Dataset): Pick<RunRecord, 'edits'> {
  if (!report.edits?.changes) return {};
  const { entries, changes, rows, excluded, digest } = report.edits;
  return { edits: { entries, changes, rows, excluded, digest } };
}

/** A dataset with the edits that a run saw when it began, where those are the first ones of its log. */
async function asSeen({ edits }: RunRecord, dataset: Dataset): Promise<Dataset> {
  if ((edits?.digest ?? null) === (editsSeen(dataset).edits?.digest ?? null)) return dataset;
  return dataset.withEdits(dataset.edits.slice(0, edits?.entries ?? 0));
}

interface Current {
  readonly id: string;
  readonly dataset: string;
  readonly rows: Dataset;
  readonly recipe: Recipe;
  /** Which of its checkpoints was opened; null: its last. */
  readonly checkpoint: number | null;
}

const KEEP: KeepSettings = { everySteps: 20, everyMinutes: 2, keepLast: 2 };

const missing = () =>
  new GroundworkError('run-missing', 'This run no longer exists.', 'It may have been deleted in another tab.');

export class Runs {
  readonly #host: RunsHost;
  #driver: Driver | null = null;
  /** The run under way, or the one last under way: what the bench has learnt is its policy. */
  #current: Current | null = null;

  constructor(host: RunsHost) {
    this.#host = host;
  }

  /** Whether a run is the one under way. */
  isActive(id: string): boolean {
    return this.#host.gate.active && this.#current?.id === id;
  }

  /** Begins at once; `ended` settles with the run's end and rejects with its failure. */
  start(options: StartOptions): { readonly runId: string; readonly ended: Promise<void> } {
    const { dataset, recipe, paused, project, keep, watch } = options;
    const id = crypto.randomUUID().slice(0, 8);
    const loaded = this.#host.model();
    const opened = this.#host.dataset(dataset);
    this.#begin(id, dataset, opened, recipe, paused);
    const ended = (async () => {
      const now = Date.now();
      await this.#drive(
        {
          id,
          project,
          recipe,
          startedAt: now,
          changedAt: now,
          state: 'running',
          identity: await identityOf(loaded, opened),
          modelName: loaded.name,
          weights: loaded.dtype,
          datasetName: opened.report.name,
          data: { train: opened.report.train, heldout: opened.report.heldout, images: opened.report.images },
          ...editsSeen(opened),
          adapter: loaded.model.session.gpu.name,
          keep: { ...KEEP, ...keep },
          watch,
          step: 0,
          events: 0,
          bytes: 0,
          failure: null,
        },
        null,
      );
    })();
    return { runId: id, ended };
  }

  /** Restores a run's last checkpoint; with `go` the run goes on and `ended` is its end. Throws `run-missing`, `run-mismatch`. */
  async continue(
    id: string,
    dataset: string,
    go: boolean,
    paused = false,
    checkpoint: number | null = null,
  ): Promise<{ ended: Promise<void> | null }> {
    const { storage, emit } = this.#host;
    const loaded = this.#host.model();
    const found = await this.find(id);
    const stored = { ...found, recipe: requireRecipe(found.recipe, 'The recipe of this run', 'default') };
    const opened = await asSeen(stored, this.#host.dataset(dataset));
    await this.#requireSame(stored, loaded, opened);
    const chosen = go || checkpoint === null ? null : await loadKept(storage, id, checkpoint);
    const { record, start, damaged } = go
      ? await rewind(storage, stored)
      : { record: stored, damaged: 0, ...(chosen ?? (await loadCheckpoint(storage, id))) };
    emit({ ...(await restoredEvent(storage, record)), ...(chosen && { checkpoint: chosen.kept }) });
    await this.#tellGap(record);
    if (damaged > 0)
      emit({
        type: 'notice',
        message: `The newest checkpoint was damaged, so the run resumes from ${start ? `an earlier one, step ${start.about.step}` : 'the beginning'}.`,
      });
    const { name } = loaded.model.session.gpu;
    if (go && record.adapter !== name)
      emit({
        type: 'notice',
        message: `The run was on ${record.adapter} before and is on ${name} now. Its curves continue, but not equal to the last bit.`,
      });
    if (go) {
      this.#begin(id, dataset, opened, record.recipe, paused);
      return { ended: this.#drive({ ...record, adapter: name }, start) };
    }
    const bench = this.#host.freshBench(dataset, opened);
    bench.follow(record.recipe);
    if (start) await restorePolicy(bench.policy, start.policy);
    bench.outcomes = start?.position.outcomes ?? [];
    this.#current = { id, dataset, rows: opened, recipe: record.recipe, checkpoint };
    return { ended: null };
  }

  /** The policy that was there when the device was lost between runs, restored from the run it came from. */
  async recover(): Promise<void> {
    const { storage } = this.#host;
    await this.#host.reopen();
    if (!this.#current) return;
    const { id, dataset, rows, recipe, checkpoint } = this.#current;
    const { start } = await (checkpoint === null ? loadCheckpoint(storage, id) : loadKept(storage, id, checkpoint));
    const bench = this.#host.freshBench(dataset, rows);
    bench.follow(recipe);
    if (start) await restorePolicy(bench.policy, start.policy);
  }

  async checkpoints(id: string): Promise<KeptCheckpoint[]> {
    await this.find(id);
    return keptCheckpoints(this.#host.storage, id);
  }

  async show(id: string): Promise<RunRecord> {
    const record = await this.find(id);
    this.#host.emit(await restoredEvent(this.#host.storage, record));
    await this.#tellGap(record);
    return record;
  }

  /** Points of a run's curves, in their order. */
  async curves(id: string): Promise<RunReplies['run-curves']> {
    await this.find(id);
    const told = await toldBy(this.#host.storage, id);
    return told.flatMap((event) => (event.type === 'metrics' ? [{ step: event.step, values: event.values }] : []));
  }

  async settle(id: string, how: 'keep' | 'discard'): Promise<void> {
    if (this.isActive(id))
      throw new GroundworkError('run-active', 'This run is active.', 'Stop it first. What it has learned is kept.');
    if (how === 'discard') return this.remove(id);
    const { storage } = this.#host;
    const { record } = await rewind(storage, await this.find(id));
    const kept: RunRecord = { ...record, state: 'stopped', changedAt: Date.now() };
    await storage.records.put('runs', kept);
  }

  async remove(id: string): Promise<void> {
    const { records, files } = this.#host.storage;
    await records.remove('runs', id);
    await new RunLabels(this.#host.storage).forget(id);
    await files.remove(`runs/${id}`);
  }

  /** Settles when the run under way has a checkpoint of where it is. */
  async saveNow(): Promise<{ step: number }> {
    if (!this.#driver || !this.#host.gate.active)
      throw new GroundworkError('run-idle', 'No run is active.', 'There is nothing to save.');
    return { step: await this.#driver.saveNow() };
  }

  async find(id: string): Promise<RunRecord> {
    const record = await this.#host.storage.records.get<RunRecord>('runs', id);
    if (!record) throw missing();
    // A plan of an older version has what came since; one that cannot be read can still be looked at.
    const read = readRecipe(record.recipe, 'default');
    return 'recipe' in read ? { ...record, recipe: read.recipe } : record;
  }

  async #tellGap(record: RunRecord): Promise<void> {
    const notice = await gapNotice(this.#host.storage, record);
    if (notice) this.#host.emit(notice);
  }

  #begin(id: string, dataset: string, rows: Dataset, recipe: Recipe, paused: boolean): void {
    this.#current = { id, dataset, rows, recipe, checkpoint: null };
    this.#host.gate.begin(paused);
  }

  async #drive(record: RunRecord, from: SavedCheckpoint | null): Promise<void> {
    const { dataset, rows: opened } = this.#current!;
    const rows: Row[] = [];
    for (const rowId of record.watch?.rowIds ?? [])
      rows.push((await opened.row(rowId)) ?? (await this.#host.row(dataset, rowId)));
    this.#driver = new Driver({
      storage: this.#host.storage,
      gate: this.#host.gate,
      pass: () => this.#host.pass(),
      emit: (event) => this.#host.emit(event),
      bench: () => this.#host.freshBench(dataset, opened),
      begin: (policy) => this.#host.begin(policy),
      lost: () => this.#host.lost(),
      explain: (error) => this.#host.explain(error),
      reopen: () => this.#host.reopen(),
      look: (bench, emit) => {
        const watcher = new Watcher(bench, rows, record.watch?.everySteps ?? 1, emit);
        return (...at) => watcher.look(...at);
      },
    });
    return this.#driver.drive(record, from);
  }

  async #requireSame({ identity, modelName, datasetName, edits }: RunRecord, loaded: LoadedModel, opened: Dataset) {
    const now = await identityOf(loaded, opened);
    const what = now.model !== identity.model ? 'model' : now.dataset !== identity.dataset ? 'dataset' : null;
    if (what === null) return;
    const name = what === 'model' ? modelName : datasetName;
    throw new GroundworkError(
      'run-mismatch',
      `This run was started on another ${what} (${name}), or its files have changed since.`,
      `Open the ${what} that it was started on, with its original files${what === 'dataset' && edits ? ' and the edits that it saw' : ''}. Nothing was changed.`,
    );
  }
}
