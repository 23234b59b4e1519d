/** Records in IndexedDB. A change of what is stored is a new version with a migration; none is ever edited. */
import { openDB, type IDBPDatabase, type IDBPTransaction } from 'idb';
import { GroundworkError } from '../base/error.ts';
import { cutPiece, type LogPiece, type RecordKind, type Records, type StoredRecord } from './records.ts';

type Upgrade = IDBPTransaction<unknown, string[], 'versionchange'>;

/** MIGRATIONS[v] leads from version v to v + 1. */
export const MIGRATIONS: readonly ((db: IDBPDatabase, upgrade: Upgrade) => Promise<void>)[] = [
  async (db) => {
    db.createObjectStore('projects', { keyPath: 'id' });
    db.createObjectStore('runs', { keyPath: 'id' });
  },
  // A run's events leave its record, which is written often, for a log of their own.
  async (db, upgrade) => {
    const log = db.createObjectStore('log', { keyPath: ['run', 'from'] });
    const runs = upgrade.objectStore('runs');
    for (let cursor = await runs.openCursor(); cursor; cursor = await cursor.continue()) {
      const { events, ...run } = cursor.value as StoredRecord & { events?: readonly unknown[] };
      if (!Array.isArray(events)) continue;
      if (events.length > 0) await log.put({ run: run.id, from: 0, entries: events as unknown[] });
      await cursor.update({ ...run, events: events.length });
    }
  },
  async (db) => void db.createObjectStore('tunings', { keyPath: 'id' }),
];

/** @param version of the database; other than the newest only in tests */
export async function idbRecords(
  name = 'groundwork',
  version = MIGRATIONS.length,
): Promise<Records & { close(): void }> {
  const db = await openDB(name, version, {
    async upgrade(database, from, to, upgrade) {
      for (let v = from; v < (to ?? version); v++) await MIGRATIONS[v]!(database, upgrade as Upgrade);
    },
    // Another tab waits to migrate: this one must let go, and asks to be reloaded at its next step.
    blocking: (_from, _to, event) => (event.target as IDBDatabase).close(),
  }).catch((cause: unknown) => {
    throw new GroundworkError(
      'records-failed',
      `The browser’s database could not be opened: ${(cause as Error).message}`,
      'Close other tabs of Groundwork and reload. A private window may refuse to store anything.',
      { cause },
    );
  });
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (cause) {
      const full = (cause as Error).name === 'QuotaExceededError';
      throw new GroundworkError(
        full ? 'storage-full' : 'records-failed',
        full ? 'The browser’s storage is full.' : `The browser’s database refused: ${(cause as Error).message}`,
        full ? 'Delete a run or a model that you no longer need.' : 'Reload the page. What was saved before is safe.',
        { cause },
      );
    }
  };
  const pieces = (run: string, from = 0) => IDBKeyRange.bound([run, from], [run, Infinity]);
  return {
    all: <T extends StoredRecord>(kind: RecordKind) => guarded(() => db.getAll(kind) as Promise<T[]>),
    get: <T extends StoredRecord>(kind: RecordKind, id: string) =>
      guarded(async () => ((await db.get(kind, id)) as T | undefined) ?? null),
    put: (kind, record) => guarded(async () => void (await db.put(kind, record))),
    remove: (kind, id) =>
      guarded(async () => {
        const change = db.transaction([kind, 'log'], 'readwrite');
        await change.objectStore(kind).delete(id);
        if (kind === 'runs') await change.objectStore('log').delete(pieces(id));
        await change.done;
      }),
    append: (run, piece) => guarded(async () => void (await db.put('log', { run, ...piece }))),
    log: (run) => guarded(() => db.getAll('log', pieces(run)) as Promise<LogPiece[]>),
    cut: (run, from) =>
      guarded(async () => {
        const change = db.transaction('log', 'readwrite');
        const last = await change.store.openCursor(
          IDBKeyRange.bound([run, -Infinity], [run, from], false, true),
          'prev',
        );
        if (last) {
          const left = cutPiece(last.value as LogPiece, from);
          if (left) await last.update({ run, ...left });
        }
        await change.store.delete(pieces(run, from));
        await change.done;
      }),
    close: () => db.close(),
  };
}
