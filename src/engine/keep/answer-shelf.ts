/**
 * Answers kept with a project: a row that these very weights have answered before is not answered again. Each belongs to
 * a digest of the weights and one of the rows, so it is found by any run, adapter or visit that comes to the same ones.
 */
import type { Storage } from '../../store/storage.ts';
import type { KnownAnswer } from '../protocol/answers.ts';
import type { Answer, PolicyName } from '../protocol/words.ts';

interface Entry {
  readonly dataset: string;
  readonly weights: string;
  readonly rowId: string;
  readonly answer: Omit<Answer, 'policy'>;
}

/** Answers kept for a project; of more, the older half goes. */
export const ANSWERS_KEPT = 20_000;

/** Beside the logs of runs, whose names are no such. */
const logOf = (project: string): string => `answers of ${project}`;

export class AnswerShelf {
  readonly #storage: Storage;
  /** Entries by project, as they are stored. */
  readonly #read = new Map<string, Entry[]>();

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /** @param weights digest by policy; those left out are not asked for */
  async known(
    project: string,
    dataset: string,
    weights: Readonly<Partial<Record<PolicyName, string>>>,
  ): Promise<KnownAnswer[]> {
    const entries = await this.#entries(project);
    return (Object.entries(weights) as [PolicyName, string][]).flatMap(([policy, digest]) =>
      entries
        .filter((entry) => entry.dataset === dataset && entry.weights === digest)
        .map(({ rowId, answer }) => ({ rowId, answer: { ...answer, policy } })),
    );
  }

  async add(project: string, dataset: string, weights: string, answers: readonly KnownAnswer[]): Promise<void> {
    const entries = await this.#entries(project);
    const { records } = this.#storage;
    const added = answers.map(({ rowId, answer: given }): Entry => {
      const { policy: _, ...answer } = given;
      return { dataset, weights, rowId, answer };
    });
    if (entries.length + added.length > ANSWERS_KEPT) {
      entries.splice(0, entries.length - ANSWERS_KEPT / 2);
      await records.cut(logOf(project), 0);
      await records.append(logOf(project), { from: 0, entries });
    }
    await records.append(logOf(project), { from: entries.length, entries: added });
    entries.push(...added);
  }

  /** All answers of a project. */
  async forget(project: string): Promise<void> {
    this.#read.delete(project);
    await this.#storage.records.cut(logOf(project), 0);
  }

  async #entries(project: string): Promise<Entry[]> {
    let entries = this.#read.get(project);
    if (!entries) {
      const { records } = this.#storage;
      const pieces = await records.log(logOf(project));
      entries = pieces.flatMap((piece) => piece.entries as Entry[]);
      const end = pieces.at(-1);
      // A piece was lost: the others are numbered anew, so that what is added does not take the place of one.
      if (end && end.from + end.entries.length !== entries.length) {
        await records.cut(logOf(project), 0);
        if (entries.length > 0) await records.append(logOf(project), { from: 0, entries });
      }
      this.#read.clear();
      this.#read.set(project, entries);
    }
    return entries;
  }
}
