/** Projects: a name, and what was chosen: a model, a dataset, a recipe. Every choice is saved when it is made. */
import { fileWords } from '../../base/file-name.ts';
import { GroundworkError } from '../../base/error.ts';
import type { Storage } from '../../store/storage.ts';
import type { AnswerShelf } from './answer-shelf.ts';
import { EditShelf } from './edit-shelf.ts';
import type { PredictionShelf } from './prediction-shelf.ts';
import { copyRun, writeProjectFile, type DataFile } from './project-file.ts';
import { RunLabels } from './run-labels.ts';
import type { KeepReplies, KeepRequest, ProjectView } from '../protocol/keep.ts';
import { NO_LABEL, type ProjectRecord, type RunLabel, type RunRecord } from '../protocol/records.ts';

/** What goes with a project that is deleted. */
interface Runs {
  /** Takes a run away with its checkpoints. Throws `run-active`. */
  discard(id: string): Promise<void>;
}

/** Takes a lock that dies with its holder; null if someone else has it. */
export type TakeLock = (name: string) => Promise<(() => void) | null>;

const lockOf = (id: string): string => `groundwork-project-${id}`;

const newestFirst = <T extends { readonly changedAt: number }>(records: readonly T[]): T[] =>
  [...records].sort((a, b) => b.changedAt - a.changedAt);

export class Projects {
  readonly #storage: Storage;
  readonly #runs: Runs;
  readonly #answers: AnswerShelf;
  readonly #edits: EditShelf;
  readonly #labels: RunLabels;
  readonly #predictions: PredictionShelf;
  readonly #takeLock: TakeLock;
  #held: { readonly id: string; release(): void } | null = null;

  /** @param answers kept with projects; those of a project that is deleted go with it */
  constructor(
    storage: Storage,
    runs: Runs,
    answers: AnswerShelf,
    predictions: PredictionShelf,
    takeLock: TakeLock = () => Promise.resolve(() => undefined),
  ) {
    this.#storage = storage;
    this.#runs = runs;
    this.#answers = answers;
    this.#edits = new EditShelf(storage);
    this.#labels = new RunLabels(storage);
    this.#predictions = predictions;
    this.#takeLock = takeLock;
  }

  async list(): Promise<ProjectView[]> {
    const { records } = this.#storage;
    const labels = await this.#labels.all();
    const runs = newestFirst(await records.all<RunRecord>('runs'))
      .map((run) => ({ ...run, label: labels.get(run.id) ?? NO_LABEL }))
      .sort((a, b) => Number(b.label.pinned) - Number(a.label.pinned));
    return newestFirst(await records.all<ProjectRecord>('projects')).map((project) => {
      const own = runs.filter((run) => run.project === project.id);
      return { ...project, runs: own, bytes: own.reduce((sum, { bytes }) => sum + bytes, 0) };
    });
  }

  async save(
    id: string | null,
    change: Extract<KeepRequest, { type: 'save-project' }>['change'],
  ): Promise<ProjectRecord> {
    const now = Date.now();
    if (id === null) {
      const blank = { name: 'Untitled', createdAt: now, model: null, dataset: null, recipe: null };
      const project: ProjectRecord = { ...blank, ...change, id: crypto.randomUUID(), changedAt: now };
      await this.#storage.records.put('projects', project);
      await this.take(project.id);
      return project;
    }
    this.#requireHeld(id);
    return this.#storage.records.update<ProjectRecord>('projects', id, (before) => {
      if (!before) throw projectMissing();
      // A name that a person gave stays, also where a choice that was saved meanwhile brings one of its own.
      const name = before.named && !change.named ? before.name : (change.name ?? before.name);
      return { ...before, ...change, name, changedAt: now };
    });
  }

  /** Throws `run-missing`, and `project-busy` where another tab has its project. */
  async label(runId: string, change: Partial<RunLabel>): Promise<RunLabel> {
    const run = await this.#storage.records.get<RunRecord>('runs', runId);
    if (!run) throw runMissing();
    this.requireOwned(run.project);
    return this.#labels.change(runId, change);
  }

  async take(id: string): Promise<boolean> {
    if (this.#held?.id === id) return true;
    const release = await this.#takeLock(lockOf(id));
    if (!release) return false;
    this.#held?.release();
    this.#held = { id, release };
    return true;
  }

  /** @param withRuns copies its runs, too */
  async duplicate(id: string, withRuns = false): Promise<ProjectRecord> {
    const { name, model, dataset, recipe } = await this.#find(id);
    const now = Date.now();
    const copy: ProjectRecord = {
      id: crypto.randomUUID(),
      name: `${name} (copy)`,
      named: true,
      createdAt: now,
      changedAt: now,
      model,
      dataset,
      recipe,
    };
    await this.#edits.copy(id, copy.id);
    if (withRuns) for (const run of await this.#runsOf(id)) await copyRun(this.#storage, run, copy.id);
    await this.#storage.records.put('projects', copy);
    return copy;
  }

  /** Throws `project-busy` if it is open in another tab. */
  async remove(id: string): Promise<void> {
    await this.#holding([id], async () => {
      for (const run of await this.#runsOf(id)) await this.#runs.discard(run.id);
      await this.#storage.records.remove('projects', id);
      await this.#answers.forget(id);
      await this.#edits.forget(id);
      await this.#predictions.forgetAll(id);
    });
    if (this.#held?.id === id) this.#letGo();
  }

  /** @param data the dataset's files, to go inside; null: they are only named */
  async write(id: string, data: AsyncIterable<DataFile> | null): Promise<KeepReplies['project-file']> {
    const project = await this.#find(id);
    const fileName = `${fileWords(project.name) || 'project'}.groundwork.zip`;
    return { fileName, stream: writeProjectFile(this.#storage, project, await this.#runsOf(id), data) };
  }

  async #runsOf(id: string): Promise<RunRecord[]> {
    return (await this.#storage.records.all<RunRecord>('runs')).filter((run) => run.project === id);
  }

  /** Takes away the copy of a dataset by `remove`. Throws `project-busy` if another tab has a project that reads it. */
  async removeCopy(location: string, remove: () => Promise<void>): Promise<void> {
    const projects = await this.#storage.records.all<ProjectRecord>('projects');
    const readers = projects.filter(({ dataset }) =>
      dataset?.sources.some((source) => source.kind === 'opfs' && source.location === location),
    );
    await this.#holding(
      readers.map(({ id }) => id),
      remove,
    );
  }

  /** A run belongs to the project that this tab holds. Throws `project-busy`. */
  requireOwned(project: string | null): void {
    if (project !== null) this.#requireHeld(project);
  }

  /** Works while no other tab can have the project of a run. Throws `project-busy`. */
  async holding(project: string | null, work: () => Promise<void>): Promise<void> {
    await this.#holding(project === null ? [] : [project], work);
  }

  /** Works while no other tab can have these projects. */
  async #holding(ids: readonly string[], work: () => Promise<void>): Promise<void> {
    const held: (() => void)[] = [];
    try {
      for (const id of ids) {
        if (id === this.#held?.id) continue;
        const release = await this.#takeLock(lockOf(id));
        if (!release) throw busy();
        held.push(release);
      }
      await work();
    } finally {
      for (const release of held) release();
    }
  }

  /** Whether this tab has a project. */
  holds(id: string): boolean {
    return this.#held?.id === id;
  }

  #letGo(): void {
    this.#held?.release();
    this.#held = null;
  }

  #requireHeld(id: string): void {
    if (this.#held?.id !== id) throw busy();
  }

  async #find(id: string): Promise<ProjectRecord> {
    const project = await this.#storage.records.get<ProjectRecord>('projects', id);
    if (!project) throw projectMissing();
    return project;
  }
}

const projectMissing = () =>
  new GroundworkError('project-missing', 'This project no longer exists.', 'It may have been deleted in another tab.');

const runMissing = () =>
  new GroundworkError('run-missing', 'This run no longer exists.', 'It may have been deleted in another tab.');

const busy = () =>
  new GroundworkError(
    'project-busy',
    'This project is open in another tab. Here it is read-only.',
    'Close the other tab, then open the project again.',
  );
