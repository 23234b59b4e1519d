/** Edits kept with a project: a log that only grows, beside those of its runs and answers. */
import type { EditEntry } from '../../data/edits/edit-log.ts';
import type { Storage } from '../../store/storage.ts';

const logOf = (project: string): string => `edits of ${project}`;

export class EditShelf {
  readonly #storage: Storage;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  async read(project: string): Promise<EditEntry[]> {
    const pieces = await this.#storage.records.log(logOf(project));
    return pieces.flatMap(({ entries }) => entries as readonly EditEntry[]);
  }

  /** @param after how many there are already */
  append(project: string, after: number, entries: readonly EditEntry[]): Promise<void> {
    return this.#storage.records.append(logOf(project), { from: after, entries });
  }

  async copy(from: string, to: string): Promise<void> {
    const entries = await this.read(from);
    if (entries.length > 0) await this.append(to, 0, entries);
  }

  forget(project: string): Promise<void> {
    return this.#storage.records.cut(logOf(project), 0);
  }
}
