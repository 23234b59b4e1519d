/**
 * Answers to whole benchmarks, kept with a project: an index of sets, and a log of answers a set, which grow while a
 * model answers. Without a project of this tab's they last as long as the engine.
 */
import type { Prediction, PredictionHeader } from '../../evaluate/prediction.ts';
import type { Storage } from '../../store/storage.ts';
import type { PolicyName } from '../protocol/words.ts';

export interface PredictionSetAbout {
  readonly id: string;
  readonly name: string;
  readonly policy: PolicyName | null;
  /** Digest of the rows. */
  readonly dataset: string;
  readonly header: PredictionHeader | null;
  readonly total: number;
  readonly at: number;
}

type IndexEntry = PredictionSetAbout | { readonly id: string; readonly forgotten: true };

interface Held {
  readonly about: PredictionSetAbout;
  /** By row; null: not read yet. */
  predictions: Map<string, Prediction> | null;
  /** Entries in its log. */
  logged: number;
  readonly stored: boolean;
}

interface Shelf {
  readonly sets: Map<string, Held>;
  /** Entries in the index. */
  logged: number;
}

const indexOf = (project: string): string => `prediction sets of ${project}`;
const logOf = (project: string, set: string): string => `predictions ${set} of ${project}`;

export class PredictionShelf {
  readonly #storage: Storage;
  readonly #shelves = new Map<string, Promise<Shelf>>();

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /** Of a dataset, in the order in which they were begun. */
  async sets(project: string | null, dataset: string): Promise<PredictionSetAbout[]> {
    const { sets } = await this.#shelf(project);
    return [...sets.values()].flatMap(({ about }) => (about.dataset === dataset ? [about] : []));
  }

  async about(project: string | null, set: string): Promise<PredictionSetAbout | null> {
    return (await this.#shelf(project)).sets.get(set)?.about ?? null;
  }

  /** @param stored kept beyond this visit: the project is this tab's */
  async begin(project: string | null, about: PredictionSetAbout, stored: boolean): Promise<void> {
    const shelf = await this.#shelf(project);
    const keep = stored && project !== null;
    shelf.sets.set(about.id, { about, predictions: new Map(), logged: 0, stored: keep });
    if (!keep) return;
    await this.#storage.records.cut(logOf(project, about.id), 0);
    await this.#index(project, shelf, about);
  }

  async predictions(project: string | null, set: string): Promise<ReadonlyMap<string, Prediction>> {
    const held = (await this.#shelf(project)).sets.get(set);
    return held ? this.#read(project, held) : new Map();
  }

  async add(project: string | null, set: string, added: readonly Prediction[]): Promise<void> {
    const held = (await this.#shelf(project)).sets.get(set);
    if (!held || added.length === 0) return;
    const known = await this.#read(project, held);
    if (held.stored) await this.#storage.records.append(logOf(project!, set), { from: held.logged, entries: added });
    held.logged += added.length;
    for (const each of added) known.set(each.row, each);
  }

  async forget(project: string | null, set: string): Promise<void> {
    const shelf = await this.#shelf(project);
    const held = shelf.sets.get(set);
    if (!held) return;
    shelf.sets.delete(set);
    if (!held.stored) return;
    await this.#index(project!, shelf, { id: set, forgotten: true });
    await this.#storage.records.cut(logOf(project!, set), 0);
  }

  /** All that a project has. */
  async forgetAll(project: string): Promise<void> {
    const { sets } = await this.#shelf(project);
    for (const id of sets.keys()) await this.#storage.records.cut(logOf(project, id), 0);
    await this.#storage.records.cut(indexOf(project), 0);
    this.#shelves.delete(project);
  }

  async #index(project: string, shelf: Shelf, entry: IndexEntry): Promise<void> {
    await this.#storage.records.append(indexOf(project), { from: shelf.logged, entries: [entry] });
    shelf.logged++;
  }

  #shelf(project: string | null): Promise<Shelf> {
    const key = project ?? '';
    let shelf = this.#shelves.get(key);
    if (!shelf) this.#shelves.set(key, (shelf = this.#open(project)));
    return shelf;
  }

  async #open(project: string | null): Promise<Shelf> {
    const sets = new Map<string, Held>();
    if (project === null) return { sets, logged: 0 };
    const pieces = await this.#storage.records.log(indexOf(project));
    for (const entry of pieces.flatMap(({ entries }) => entries as readonly IndexEntry[]))
      if ('forgotten' in entry) sets.delete(entry.id);
      else sets.set(entry.id, { about: entry, predictions: null, logged: 0, stored: true });
    return { sets, logged: endOf(pieces) };
  }

  async #read(project: string | null, held: Held): Promise<Map<string, Prediction>> {
    if (held.predictions) return held.predictions;
    const pieces = await this.#storage.records.log(logOf(project!, held.about.id));
    held.logged = endOf(pieces);
    const read = pieces.flatMap(({ entries }) => entries as readonly Prediction[]);
    return (held.predictions = new Map(read.map((each) => [each.row, each])));
  }
}

/** A piece may be lost: what is added comes after the last, not in the place of one. */
const endOf = (pieces: readonly { readonly from: number; readonly entries: readonly unknown[] }[]): number =>
  Math.max(0, ...pieces.map(({ from, entries }) => from + entries.length));
