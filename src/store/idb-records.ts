/** Records in IndexedDB. A change of what is stored is a new version with a migration; none is ever edited. */
import { openDB, type IDBPDatabase, type IDBPObjectStore, type IDBPTransaction } from 'idb';
import { isDiskFull } from '../base/disk-full.ts';
import { GroundworkError } from '../base/error.ts';
import {
  cutPiece,
  DamageList,
  isPiece,
  isRecord,
  type LogPiece,
  type RecordKind,
  type Records,
  type StoredRecord,
} from './records.ts';

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
  // Where damaged records are kept.
  async (db) => void db.createObjectStore('damaged', { autoIncrement: true }),
  // What a person says of a run is written at other times than the run's record.
  async (db) => void db.createObjectStore('labels', { keyPath: 'id' }),
];

/** On disk when the transaction ends, and not only handed to the system. */
const STRICT: IDBTransactionOptions = { durability: 'strict' };

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
      const full = isDiskFull(cause);
      throw new GroundworkError(
        full ? 'storage-full' : 'records-failed',
        full ? 'The browser’s storage is full.' : `The browser’s database refused: ${(cause as Error).message}`,
        full ? 'Delete a run or a model that you no longer need.' : 'Reload the page. What was saved before is safe.',
        { cause },
      );
    }
  };
  /** One transaction, on disk when this ends. A full disk aborts it, and only the transaction says why. */
  const change = async (
    stores: string[],
    work: (store: (name: string) => IDBPObjectStore<unknown, string[], string, 'readwrite'>) => Promise<unknown>,
  ) => {
    const transaction = db.transaction(stores, 'readwrite', STRICT);
    const done = transaction.done;
    done.catch(() => undefined);
    try {
      await work((name) => transaction.objectStore(name));
      await done;
    } catch (cause) {
      throw transaction.error ?? cause;
    }
  };
  const write = (name: RecordKind | 'log', value: unknown) => change([name], (store) => store(name).put(value));
  const damages = new DamageList();
  /**
   * All values of a range. A browser keeps large values in files of their own; if it has lost one, it refuses all of
   * them. Then each is asked for alone, and what cannot be read, or is not what `sound` says, is set aside.
   */
  const readAll = async <T>(
    store: RecordKind | 'log',
    range: IDBKeyRange | undefined,
    sound: (value: unknown) => value is T,
  ): Promise<T[]> => {
    const all = (await db.getAll(store, range).catch(() => null)) as unknown[] | null;
    if (all?.every(sound)) return all as T[];
    const found: T[] = [];
    for (const key of await db.getAllKeys(store, range)) {
      const value = (await db.get(store, key).catch(() => undefined)) as unknown;
      if (sound(value)) found.push(value);
      else await setAside(store, key, value);
    }
    return found;
  };
  /** Moves what is no record out of the way of all the others. */
  const setAside = async (kind: RecordKind | 'log', key: IDBValidKey, value: unknown) => {
    await change([kind, 'damaged'], async (store) => {
      await store('damaged').put({ kind, key, value });
      await store(kind).delete(key);
    });
    damages.add({ kind, id: String(Array.isArray(key) ? key[0] : key), keptAt: `“damaged” in the database ${name}` });
  };
  const pieces = (run: string, from = 0) => IDBKeyRange.bound([run, from], [run, Infinity]);
  return {
    all: <T extends StoredRecord>(kind: RecordKind) =>
      guarded(async () => (await readAll(kind, undefined, isRecord)) as T[]),
    get: <T extends StoredRecord>(kind: RecordKind, id: string) =>
      guarded(async () => ((await readAll(kind, IDBKeyRange.only(id), isRecord))[0] as T | undefined) ?? null),
    put: (kind, record) => guarded(() => write(kind, record)),
    async update<T extends StoredRecord>(kind: RecordKind, id: string, by: (before: T | null) => T) {
      let after!: T;
      let refusal: { readonly error: unknown } | null = null;
      await guarded(async () => {
        // Sets it aside if it cannot be read.
        await readAll(kind, IDBKeyRange.only(id), isRecord);
        await change([kind], async (store) => {
          const before = (await store(kind).get(id)) as unknown;
          try {
            after = by(isRecord(before) ? (before as T) : null);
          } catch (error) {
            refusal = { error };
            return;
          }
          await store(kind).put(after);
        });
      });
      if (refusal) throw (refusal as { readonly error: unknown }).error;
      return after;
    },
    remove: (kind, id) =>
      guarded(() =>
        change([kind, 'log'], async (store) => {
          await store(kind).delete(id);
          if (kind === 'runs') await store('log').delete(pieces(id));
        }),
      ),
    append: (run, piece) => guarded(() => write('log', { run, ...piece })),
    log: (run) => guarded(() => readAll('log', pieces(run), isPiece)),
    cut: (run, from) =>
      guarded(() =>
        change(['log'], async (store) => {
          const before = IDBKeyRange.bound([run, -Infinity], [run, from], false, true);
          const last = await store('log').openCursor(before, 'prev');
          if (last) {
            const left = cutPiece(last.value as LogPiece, from);
            if (left) await last.update({ run, ...left });
          }
          await store('log').delete(pieces(run, from));
        }),
      ),
    onDamage: damages.listen,
    close: () => db.close(),
  };
}
