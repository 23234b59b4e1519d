/** What the pretended engine remembers: the real desk for projects over memory, and runs that were never run. */
import { fakeCheckpoints } from './scores.ts';
import { AnswerShelf } from '../../../src/engine/keep/answer-shelf.ts';
import { PredictionShelf } from '../../../src/engine/keep/prediction-shelf.ts';
import { takeProjectFile } from '../../../src/engine/keep/project-file.ts';
import { Projects } from '../../../src/engine/keep/projects.ts';
import type {
  EngineEvent,
  KeepRequest,
  Recipe,
  Replies,
  RequestOf,
  StoredDataset,
  ToldEvent,
} from '../../../src/engine/protocol/index.ts';
import type { RunRecord } from '../../../src/engine/protocol/records.ts';
import { memoryStorage } from '../../../src/store/storage.ts';

const GIB = 2 ** 30;

/** Of projects, and of runs that were interrupted. */
export type KeptRequest =
  | KeepRequest
  | RequestOf<'run-curves' | 'show-run' | 'continue-run' | 'settle-run' | 'save-now'>;

export class FakeKeep {
  readonly storage = memoryStorage();
  readonly #emit: (event: EngineEvent) => void;
  #projects: Projects;
  /** What the browser's storage is pretended to hold. */
  copies: StoredDataset[] = [];
  /** Digest of the model that is pretended to be loaded. */
  model = 'model-1';
  /** Another tab holds every project. */
  busy = false;

  constructor(emit: (event: EngineEvent) => void) {
    this.#emit = emit;
    this.#projects = this.#open();
  }

  /** As if this engine were another tab's. */
  letGo(): void {
    this.#projects = this.#open();
  }

  #open(): Projects {
    const { records } = this.storage;
    const runs = { discard: (id: string) => records.remove('runs', id) };
    return new Projects(this.storage, runs, new AnswerShelf(this.storage), new PredictionShelf(this.storage), () =>
      Promise.resolve(this.busy ? null : () => undefined),
    );
  }

  /** A run as it is remembered after `events`, in a state that may be one of an interruption. */
  async remember(project: string, recipe: Recipe, events: readonly EngineEvent[], state: RunRecord['state']) {
    const id = crypto.randomUUID();
    const run: RunRecord = {
      id,
      project,
      recipe,
      startedAt: Date.now() - 3_600_000,
      changedAt: Date.now() - 600_000,
      state,
      identity: { model: 'model-1', dataset: 'rows of fake' },
      modelName: 'groundwork-starter',
      datasetName: 'Sample scenes',
      adapter: 'Apple M4 Max',
      keep: { everySteps: 20, everyMinutes: 2, keepLast: 2 },
      watch: null,
      step: events.filter(({ type }) => type === 'metrics').length,
      events: events.length,
      bytes: 12_400_000,
      failure: null,
    };
    await this.storage.records.put('runs', run);
    await this.storage.records.append(id, { from: 0, entries: events });
    return id;
  }

  async answer(request: KeptRequest): Promise<Replies[KeptRequest['type']]> {
    const { records } = this.storage;
    switch (request.type) {
      case 'projects':
        return this.#projects.list();
      case 'save-project':
        return this.#projects.save(request.id, request.change);
      case 'take-project':
        return { owned: await this.#projects.take(request.id) };
      case 'duplicate-project':
        return this.#projects.duplicate(request.id, request.runs);
      case 'project-file':
        return this.#projects.write(request.id, null);
      case 'take-project-file':
        return takeProjectFile(this.storage, request.file, () => Promise.resolve('datasets/none'));
      case 'delete-project':
        return this.#projects.remove(request.id).then(() => null);
      case 'label-run':
        return this.#projects.label(request.runId, request.label);
      case 'delete-copy':
        await this.#projects.removeCopy(request.location, async () => {
          this.copies = this.copies.filter(({ location }) => location !== request.location);
        });
        return null;
      case 'run-curves':
        return (await records.log(request.runId))
          .flatMap(({ entries }) => entries as ToldEvent[])
          .filter((event) => event.type === 'metrics');
      case 'identity':
        return { model: this.model, dataset: request.dataset && `rows of ${request.dataset}` };
      case 'show-run':
        return this.#tell(request.runId);
      case 'continue-run':
        await this.#tell(request.runId, request.checkpoint);
        return { runId: request.runId };
      case 'settle-run': {
        const run = (await records.get<RunRecord>('runs', request.runId))!;
        const kept: RunRecord = { ...run, state: 'stopped' };
        await (request.how === 'keep' ? records.put('runs', kept) : records.remove('runs', run.id));
        return null;
      }
      case 'save-now':
        return { step: 1 };
      case 'storage':
        return { used: 1.4 * GIB, quota: 96 * GIB };
    }
  }

  async #tell(runId: string, checkpoint?: number): Promise<RunRecord> {
    const run = (await this.storage.records.get<RunRecord>('runs', runId))!;
    const events = (await this.storage.records.log(runId)).flatMap(({ entries }) => entries as ToldEvent[]);
    const opened = fakeCheckpoints().find(({ id }) => id === checkpoint);
    this.#emit({ type: 'restored', runId, recipe: run.recipe, events, ...(opened && { checkpoint: opened }) });
    return run;
  }
}
