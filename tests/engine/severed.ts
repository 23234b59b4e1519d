/** Storage whose process is killed: after so many operations, in the middle of one, nothing more reaches it. */
import type { FileStore, FileWriter } from '../../src/store/file-store.ts';
import { storageInFiles, type Storage } from '../../src/store/storage.ts';

export interface Severed extends Storage {
  /** Kills now. */
  kill(): void;
  readonly dead: boolean;
}

/** @param operations writes that still happen; the next is cut in half and never answers */
export function severed(files: FileStore, operations = Infinity): Severed {
  let left = operations;
  let dead = false;
  const never = <T>() => new Promise<T>(() => undefined);
  const mutates = async <T>(work: () => Promise<T>): Promise<T> => {
    if (dead || left-- <= 0) {
      dead = true;
      return never();
    }
    return work();
  };
  const writer = (inner: FileWriter): FileWriter => ({
    write: async (offset, bytes) => {
      if (!dead && left <= 0) await inner.write(offset, bytes.subarray(0, bytes.length >> 1));
      return mutates(() => inner.write(offset, bytes));
    },
    truncate: (size) => mutates(() => inner.truncate(size)),
    flush: () => mutates(() => inner.flush()),
    close: () => inner.close(),
  });
  const store: FileStore = {
    list: () => files.list(),
    blob: (path) => files.blob(path),
    space: () => files.space(),
    writeText: (path, text) => mutates(() => files.writeText(path, text)),
    open: (path) => mutates(async () => writer(await files.open(path))),
    rename: (from, to) => mutates(() => files.rename(from, to)),
    remove: (path) => mutates(() => files.remove(path)),
  };
  return {
    ...storageInFiles(store),
    kill: () => void (dead = true),
    get dead() {
      return dead;
    },
  };
}
