/**
 * Small things by name: projects, runs, how kernels are tuned, and logs: what each run told, in order, and other lists
 * that only grow. What is in them is the engine's business; here they are plain data that structured cloning carries.
 */
export type RecordKind = 'projects' | 'runs' | 'tunings';

export interface StoredRecord {
  readonly id: string;
}

/** A piece of a log: `entries` are number `from` and the following ones. */
export interface LogPiece {
  readonly from: number;
  readonly entries: readonly unknown[];
}

export interface Records {
  all<T extends StoredRecord>(kind: RecordKind): Promise<T[]>;
  get<T extends StoredRecord>(kind: RecordKind, id: string): Promise<T | null>;
  /** Made or replaced as a whole. */
  put(kind: RecordKind, record: StoredRecord): Promise<void>;
  /** A run takes its log along. */
  remove(kind: RecordKind, id: string): Promise<void>;
  append(run: string, piece: LogPiece): Promise<void>;
  /** In order. */
  log(run: string): Promise<LogPiece[]>;
  /** Forgets entries number `from` and later. */
  cut(run: string, from: number): Promise<void>;
}

/** The piece without its entries number `from` and later; null if nothing is left. */
export function cutPiece(piece: LogPiece, from: number): LogPiece | null {
  const entries = piece.entries.slice(0, Math.max(0, from - piece.from));
  return entries.length > 0 ? { from: piece.from, entries } : null;
}
