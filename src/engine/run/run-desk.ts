/** Answers what the page asks of runs: started, gone on with, held, rehearsed, profiled, shown again. */
import { describeError, GroundworkError } from '../../base/error.ts';
import type { Dataset } from '../../data/dataset.ts';
import type { Row } from '../../data/row.ts';
import type { Session } from '../../gpu/recorder.ts';
import type { Storage } from '../../store/storage.ts';
import { unfitRows } from '../model/unfit-rows.ts';
import { keepLearnt } from '../model/adapter-desk.ts';
import type { ModelHolder } from '../model/model-holder.ts';
import type { EngineEvent, Handlers, RequestOf } from '../protocol/messages.ts';
import type { RunRequest } from '../protocol/run.ts';
import { requireAllowed } from '../../train/recipe-check.ts';
import { requireRecipe } from '../../train/recipe-schema.ts';
import type { Recipe } from '../protocol/words.ts';
import type { Gate } from './gate.ts';
import type { Occupancy } from './occupancy.ts';
import { Profiling } from './profiling.ts';
import { rehearse } from './rehearsal.ts';
import { Runs } from './runs.ts';

export interface RunDeskHost {
  readonly storage: Storage;
  readonly gate: Gate;
  readonly occupancy: Occupancy;
  readonly holder: ModelHolder;
  /** Throws `dataset-missing`. */
  dataset(id: string): Dataset;
  /** Throws `row-missing`. */
  row(dataset: string, id: string): Promise<Row>;
  /** Throws `dataset-unsettled`. */
  requireSettled(dataset: string): void;
  /** Throws `project-busy`. */
  requireOwned(project: string | null): void;
  /** Works while no other tab can have a project. Throws `project-busy`. */
  holding(project: string | null, work: () => Promise<void>): Promise<void>;
  session(): Promise<Session>;
  /** Rejects with `device-lost`. */
  lost(): Promise<never>;
  /** What is behind an error: the loss of the device, where there is one. */
  explain(error: unknown): Promise<unknown>;
  /** Loads the model again into the device that is now open. */
  reload(): Promise<void>;
  emit(event: EngineEvent): void;
}

export class RunDesk {
  readonly #host: RunDeskHost;
  readonly #profiling = new Profiling();
  readonly runs: Runs;
  /** Settles when the current run has ended, whatever its end. */
  running: Promise<void> = Promise.resolve();

  constructor(host: RunDeskHost) {
    this.#host = host;
    const { storage, gate, holder } = host;
    this.runs = new Runs({
      storage,
      gate,
      pass: () => this.#passGate(),
      emit: (event) => host.emit(event),
      model: () => holder.require(),
      dataset: (id) => host.dataset(id),
      row: (dataset, id) => host.row(dataset, id),
      freshBench: (dataset, rows) => holder.freshBench(dataset, rows),
      begin: (policy) => holder.adapters.lay(policy),
      lost: () => host.lost(),
      explain: (error) => host.explain(error),
      reopen: () => host.reload(),
    });
  }

  readonly handlers: Handlers<RunRequest> = {
    start: (request) => this.#start(request),
    'continue-run': (request) => this.#continue(request),
    rehearse: (request) => this.#rehearse(request),
    profile: async () => {
      if (!this.#host.gate.active)
        throw new GroundworkError(
          'run-missing',
          'There is no step to profile, because no run is active.',
          'Start a run and profile it while it is active.',
        );
      return this.#profiling.ask(await this.#host.session());
    },
    control: async ({ action }) => {
      if (action === 'stop') this.#host.occupancy.stopRehearsal();
      return { state: this.#host.gate.control(action) };
    },
    'show-run': async ({ runId }) => {
      this.#host.occupancy.refuseWhileRunning('show another run');
      return this.runs.show(runId);
    },
    checkpoints: ({ runId }) => this.runs.checkpoints(runId),
    'run-curves': ({ runId }) => this.runs.curves(runId),
    'settle-run': async ({ runId, how }) => {
      // Another tab may have it under way: what this one sees of it says nothing of that.
      const { project } = await this.runs.find(runId);
      await this.#host.holding(project, () => this.runs.settle(runId, how));
      return null;
    },
    'save-now': () => this.runs.saveNow(),
  };

  async #start(request: RequestOf<'start'>): Promise<{ runId: string }> {
    const { dataset, paused = false, watch = null, project = null, keep = {} } = request;
    const { occupancy } = this.#host;
    const recipe = requireRecipe(request.recipe, 'The recipe', 'default');
    requireAllowed(recipe, request.allowCode);
    occupancy.refuseWhileRunning('start another run');
    this.#host.requireSettled(dataset);
    this.#host.requireOwned(project);
    await this.#requireFit(dataset, recipe);
    for (const rowId of watch?.rowIds ?? []) await this.#host.row(dataset, rowId);
    occupancy.refuseWhileRunning('start another run'); // one may have begun while rows were read
    occupancy.refuseWhileLoading('start a run');
    const { runId, ended } = this.runs.start({ ...request, recipe, paused, watch, project, keep });
    this.#follow(ended, recipe);
    return { runId };
  }

  /** Throws `budget-unsupported`, and `rows-unfit`: what the model would refuse in the middle of a run is told before it. */
  async #requireFit(dataset: string, { pictures }: Pick<Recipe, 'pictures'>): Promise<void> {
    const { holder } = this.#host;
    if (!holder.loaded) return;
    holder.loaded.processor.under(pictures ?? null);
    // What a model refuses of a row is the same under every budget.
    const unfit = await unfitRows(this.#host.dataset(dataset), holder.loaded.processor);
    const [first] = unfit;
    if (!first) return;
    const more = unfit.length > 1 ? `, and ${unfit.length - 1} more` : '';
    throw new GroundworkError(
      'rows-unfit',
      `The model cannot take row ${first.file}:${first.line}${more}: ${first.reason}.`,
      `${first.fix} The Data room leaves such rows out for you.`,
    );
  }

  async #continue({
    runId,
    dataset,
    go,
    paused = false,
    checkpoint,
    allowCode,
  }: RequestOf<'continue-run'>): Promise<{ runId: string }> {
    const { occupancy, holder } = this.#host;
    occupancy.refuseWhileRunning('resume another run');
    const { project, recipe } = await this.runs.find(runId);
    if (go) {
      this.#host.requireOwned(project);
      requireAllowed(recipe, allowCode);
    }
    occupancy.refuseWhileLoading('resume a run');
    const { ended } = await this.runs.continue(runId, dataset, go, paused, checkpoint);
    if (ended) this.#follow(ended, recipe);
    else {
      const { adapters } = holder;
      adapters.leaveToRun();
      // The tuned policy is another one from now on.
      this.#host.emit({ type: 'adapters', report: adapters.report });
    }
    return { runId };
  }

  async #rehearse({ dataset, recipe: given, allowCode }: RequestOf<'rehearse'>) {
    const { occupancy, holder, gate } = this.#host;
    const recipe = requireRecipe(given, 'The recipe', 'default');
    requireAllowed(recipe, allowCode);
    occupancy.refuseWhileRunning('rehearse another');
    occupancy.refuseWhileLoading('rehearse a recipe');
    const loaded = holder.require();
    return occupancy.rehearsing((wanted) =>
      gate.aside(() =>
        rehearse(loaded, this.#host.dataset(dataset), recipe, {
          next: (what, done, total) => {
            this.#host.emit({ type: 'loading', what, done, total });
            return wanted();
          },
        }),
      ),
    );
  }

  #follow(ended: Promise<void>, recipe: Recipe): void {
    const { holder, gate } = this.#host;
    holder.adapters.leaveToRun();
    this.running = ended.then(
      async () => {
        await this.#profiling.end();
        await this.#keep(recipe);
        gate.end('finished');
      },
      async (error: unknown) => {
        await this.#profiling.end().catch(() => {}); // the run's own error is the one to tell
        await this.#keep(recipe);
        this.#host.emit({ type: 'failure', ...describeError(error) });
        gate.end('failed');
      },
    );
  }

  /** What a run has learnt stays at hand when the next one begins. */
  async #keep(recipe: Recipe): Promise<void> {
    const { holder } = this.#host;
    if (!holder.loaded || !holder.bench) return;
    // After a failure there may be nothing to read any more; its checkpoint is on disk.
    await keepLearnt(holder, recipe).catch(() => {});
    this.#host.emit({ type: 'adapters', report: holder.adapters.report });
  }

  async #passGate(): Promise<boolean> {
    await this.#profiling.arrive();
    const go = await this.#host.gate.pass();
    if (go) this.#profiling.leave();
    return go;
  }
}
