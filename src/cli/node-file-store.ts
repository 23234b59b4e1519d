/** A folder on disk as a store of files, for what the command line keeps. */
import { openAsBlob } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { GroundworkError } from '../base/error.ts';
import type { FileStore } from '../store/file-store.ts';

const isAbsent = (error: unknown) => (error as NodeJS.ErrnoException).code === 'ENOENT';

export function nodeFileStore(root: string): FileStore {
  const full = (path: string) => join(root, ...path.split('/'));
  return {
    async list() {
      await mkdir(root, { recursive: true });
      const entries = await readdir(root, { recursive: true, withFileTypes: true });
      return Promise.all(
        entries
          .filter((entry) => entry.isFile())
          .map(async (entry) => {
            const path = join(entry.parentPath, entry.name);
            return { path: relative(root, path).split(sep).join('/'), size: (await stat(path)).size };
          }),
      );
    },
    async blob(path) {
      try {
        return await openAsBlob(full(path));
      } catch (error) {
        // openAsBlob says ERR_INVALID_ARG_VALUE for a file that is not there.
        if (await stat(full(path)).then(() => false, isAbsent)) return null;
        throw error;
      }
    },
    async writeText(path, text) {
      await mkdir(dirname(full(path)), { recursive: true });
      await writeFile(`${full(path)}.new`, text);
      await rename(`${full(path)}.new`, full(path));
    },
    async open(path) {
      await mkdir(dirname(full(path)), { recursive: true });
      // Opened for reading and writing, made if absent, never emptied.
      const file = await open(full(path), 'a').then(async (made) => (await made.close(), open(full(path), 'r+')));
      return {
        write: async (offset, bytes) => {
          try {
            for (let done = 0; done < bytes.byteLength;)
              done += (await file.write(bytes, done, bytes.byteLength - done, offset + done)).bytesWritten;
          } catch (cause) {
            if ((cause as NodeJS.ErrnoException).code !== 'ENOSPC') throw cause;
            throw new GroundworkError(
              'storage-full',
              `The disk of ${root} is full.`,
              'What was written before is kept. Free disk space and run the command again.',
              { cause },
            );
          }
        },
        truncate: (size) => file.truncate(size),
        flush: () => file.datasync(),
        close: () => file.close(),
      };
    },
    rename: (from, to) => rename(full(from), full(to)),
    remove: (path) => rm(full(path), { recursive: true, force: true }),
    async space() {
      const { bsize, blocks, bavail } = await statfs(root);
      return { used: (blocks - bavail) * bsize, quota: blocks * bsize };
    },
  };
}
