/** What people say of runs: a record beside each run's own, which the run under way writes again and again. */
import type { Storage } from '../../store/storage.ts';
import type { StoredRecord } from '../../store/records.ts';
import { NO_LABEL, type RunLabel } from '../protocol/records.ts';

type Stored = StoredRecord & RunLabel;

/** Characters of a name or a tag. */
const LONGEST_NAME = 120;
const LONGEST_TAG = 40;

export class RunLabels {
  readonly #storage: Storage;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /** By run. */
  async all(): Promise<ReadonlyMap<string, RunLabel>> {
    const stored = await this.#storage.records.all<Stored>('labels');
    return new Map(stored.map(({ id, ...label }) => [id, { ...NO_LABEL, ...label }]));
  }

  async change(run: string, change: Partial<RunLabel>): Promise<RunLabel> {
    const { id: _, ...label } = await this.#storage.records.update<Stored>('labels', run, (before) => ({
      ...tidy({ ...NO_LABEL, ...before, ...change }),
      id: run,
    }));
    return label;
  }

  forget(run: string): Promise<void> {
    return this.#storage.records.remove('labels', run);
  }
}

const tidy = (label: RunLabel): RunLabel => ({
  ...label,
  name: label.name.trim().slice(0, LONGEST_NAME),
  tags: [...new Set(label.tags.map((tag) => tag.trim().slice(0, LONGEST_TAG)))].filter(Boolean),
});
