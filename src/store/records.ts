/**
 * Small things by name: projects, runs, what people call these, how kernels are tuned, and logs: what each run told, in order, and other lists
 * that only grow. What is in them is the engine's business; here they are plain data that structured cloning carries.
 * One that is damaged is set aside and told; the others are there as if it had never been.
 */
export type RecordKind = 'projects' | 'runs' | 'labels' | 'tunings';

export interface StoredRecord {
  readonly id: string;
}

/** A piece of a log: `entries` are number `from` and the following ones. */
export interface LogPiece {
  readonly from: number;
  readonly entries: readonly unknown[];
}

/** Something stored that is not what was written. */
export interface Damage {
  readonly kind: RecordKind | 'log';
  /** Of the record, or of the log's owner. */
  readonly id: string;
  /** Where it is kept now, for whoever wants to look at it. */
  readonly keptAt: string;
}

export interface Records {
  all<T extends StoredRecord>(kind: RecordKind): Promise<T[]>;
  get<T extends StoredRecord>(kind: RecordKind, id: string): Promise<T | null>;
  /** Made or replaced as a whole. */
  put(kind: RecordKind, record: StoredRecord): Promise<void>;
  /**
   * Changes one by what it is (null: not there), with no other write in between: two changes made at once both last.
   * What `change` throws is thrown; then nothing is written.
   */
  update<T extends StoredRecord>(kind: RecordKind, id: string, change: (before: T | null) => T): Promise<T>;
  /** A run takes its log along. */
  remove(kind: RecordKind, id: string): Promise<void>;
  append(run: string, piece: LogPiece): Promise<void>;
  /** In order. */
  log(run: string): Promise<LogPiece[]>;
  /** Forgets entries number `from` and later. */
  cut(run: string, from: number): Promise<void>;
  /** Called for each damage that is found, and for those found before. */
  onDamage(listener: (damage: Damage) => void): void;
}

/** The piece without its entries number `from` and later; null if nothing is left. */
export function cutPiece(piece: LogPiece, from: number): LogPiece | null {
  const entries = piece.entries.slice(0, Math.max(0, from - piece.from));
  return entries.length > 0 ? { from: piece.from, entries } : null;
}

/** Entries of a log of `total` that are in none of its pieces. */
export function missingEntries(pieces: readonly LogPiece[], total: number): number {
  let [missing, next] = [0, 0];
  for (const { from, entries } of pieces) {
    missing += Math.max(0, Math.min(from, total) - next);
    next = Math.max(next, from + entries.length);
  }
  return missing + Math.max(0, total - next);
}

export const isRecord = (value: unknown): value is StoredRecord =>
  typeof (value as Partial<StoredRecord> | null)?.id === 'string';

export const isPiece = (value: unknown): value is LogPiece => {
  const piece = value as Partial<LogPiece> | null;
  return Number.isSafeInteger(piece?.from) && piece!.from! >= 0 && Array.isArray(piece!.entries);
};

/** Remembers what is damaged, and tells whoever wants to know. */
export class DamageList {
  readonly #found: Damage[] = [];
  readonly #listeners: ((damage: Damage) => void)[] = [];

  add(damage: Damage): void {
    this.#found.push(damage);
    for (const listener of this.#listeners) listener(damage);
  }

  readonly listen = (listener: (damage: Damage) => void): void => {
    this.#listeners.push(listener);
    for (const damage of this.#found) listener(damage);
  };
}

/** For the user. */
export function damageNotice({ kind, id, keptAt }: Damage): string {
  const what = {
    projects: 'The record of a project is damaged',
    runs: `The record of the run ${id} is damaged`,
    labels: `The name and notes of the run ${id} are damaged`,
    tunings: 'A stored measurement of the graphics device is damaged',
    log: `A part of the log of ${id} is damaged and cannot be shown`,
  }[kind];
  return `${what}. It was set aside as ${keptAt}. Everything else is safe.`;
}
