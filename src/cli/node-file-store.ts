/** A folder on disk as a store of files, for what the command line keeps. What is written, renamed or removed is so on disk then. */
import { dirname, join, relative, sep } from 'node:path';
import type { FileStore } from '../store/file-store.ts';
import { nodeDisk, type Disk } from './disk.ts';
import { toldByDisk } from './disk-error.ts';

export function nodeFileStore(root: string, disk: Disk = nodeDisk): FileStore {
  const full = (path: string) => join(root, ...path.split('/'));
  const told = toldByDisk(root);
  /** The folder of a file, on disk with its name and those of the folders above it that are new. */
  const makeRoom = async (path: string) => {
    const first = await disk.makeFolder(dirname(path));
    if (first === undefined) return;
    for (let made = dirname(path); made.length >= first.length; made = dirname(made))
      await disk.flushFolder(dirname(made));
  };
  const move = async (from: string, to: string) => {
    await makeRoom(to);
    await disk.rename(from, to);
    await disk.flushFolder(dirname(to));
  };
  return {
    list: () =>
      told(async () => {
        const files = await disk.filesBelow(root);
        return files.map(({ path, size }) => ({ path: relative(root, path).split(sep).join('/'), size }));
      }),
    blob: (path) => disk.blob(full(path)),
    writeText: (path, text) =>
      told(async () => {
        await makeRoom(full(path));
        const fresh = `${full(path)}.new`;
        try {
          const file = await disk.open(fresh, 'empty');
          try {
            await file.write(new TextEncoder().encode(text), 0);
            await file.flush();
          } finally {
            await file.close();
          }
          await move(fresh, full(path));
        } catch (error) {
          await disk.remove(fresh).catch(() => undefined);
          throw error;
        }
      }),
    open: (path) =>
      told(async () => {
        await makeRoom(full(path));
        const file = await disk.open(full(path), 'keep');
        return {
          write: (offset, bytes) => told(() => file.write(bytes, offset)),
          truncate: (size) => told(() => file.truncate(size)),
          flush: () => told(() => file.flush()),
          close: () => told(() => file.close()),
        };
      }),
    rename: (from, to) => told(() => move(full(from), full(to))),
    remove: (path) =>
      told(async () => {
        await disk.remove(full(path));
        // What was removed must not come back, and stand beside what took its place.
        await disk.flushFolder(dirname(full(path)));
      }),
    space: () => disk.space(root),
  };
}
