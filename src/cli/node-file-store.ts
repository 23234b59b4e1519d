/** A folder on disk as a store of files, for what the command line keeps. What is written or renamed is on disk then. */
import { openAsBlob } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat, statfs, type FileHandle } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import type { FileStore } from '../store/file-store.ts';
import { isAbsent, toldByDisk } from './disk-error.ts';

/** A name is on disk when its folder is. Systems that have no such thing as a folder's handle do it themselves. */
async function flushFolder(path: string): Promise<void> {
  const folder = await open(path, 'r').catch(() => null);
  await folder?.sync().catch(() => undefined);
  await folder?.close();
}

async function writeAll(file: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength;)
    done += (await file.write(bytes, done, bytes.byteLength - done, offset + done)).bytesWritten;
}

export function nodeFileStore(root: string): FileStore {
  const full = (path: string) => join(root, ...path.split('/'));
  const disk = toldByDisk(root);
  const move = async (from: string, to: string) => {
    await mkdir(dirname(to), { recursive: true });
    await rename(from, to);
    await flushFolder(dirname(to));
  };
  return {
    list: () =>
      disk(async () => {
        await mkdir(root, { recursive: true });
        const entries = await readdir(root, { recursive: true, withFileTypes: true });
        const found = await Promise.all(
          entries
            .filter((entry) => entry.isFile())
            .map(async (entry) => {
              const path = join(entry.parentPath, entry.name);
              // One that is gone by now is not there.
              const size = await stat(path).then(
                (known) => known.size,
                () => null,
              );
              return size === null ? [] : [{ path: relative(root, path).split(sep).join('/'), size }];
            }),
        );
        return found.flat();
      }),
    async blob(path) {
      try {
        return await openAsBlob(full(path));
      } catch (error) {
        // openAsBlob says ERR_INVALID_ARG_VALUE for a file that is not there.
        if (await stat(full(path)).then(() => false, isAbsent)) return null;
        throw error;
      }
    },
    writeText: (path, text) =>
      disk(async () => {
        await mkdir(dirname(full(path)), { recursive: true });
        const fresh = `${full(path)}.new`;
        try {
          const file = await open(fresh, 'w');
          try {
            await writeAll(file, new TextEncoder().encode(text), 0);
            await file.datasync();
          } finally {
            await file.close();
          }
          await move(fresh, full(path));
        } catch (error) {
          await rm(fresh, { force: true }).catch(() => undefined);
          throw error;
        }
      }),
    open: (path) =>
      disk(async () => {
        await mkdir(dirname(full(path)), { recursive: true });
        // Opened for reading and writing, made if absent, never emptied.
        const file = await open(full(path), 'a').then(async (made) => (await made.close(), open(full(path), 'r+')));
        return {
          write: (offset, bytes) => disk(() => writeAll(file, bytes, offset)),
          truncate: (size) => disk(() => file.truncate(size)),
          flush: () => disk(() => file.datasync()),
          close: () => disk(() => file.close()),
        };
      }),
    rename: (from, to) => disk(() => move(full(from), full(to))),
    remove: (path) => disk(() => rm(full(path), { recursive: true, force: true })),
    async space() {
      const { bsize, blocks, bavail } = await statfs(root);
      return { used: (blocks - bavail) * bsize, quota: blocks * bsize };
    },
  };
}
