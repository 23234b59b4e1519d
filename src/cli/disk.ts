/** What a folder of files asks of the system. Below it lies the disk; tests lay one there that fails. */
import { openAsBlob } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat, statfs, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { StorageSpace, StoredFile } from '../store/file-store.ts';
import { isAbsent } from './disk-error.ts';

export interface DiskFile {
  write(bytes: Uint8Array, offset: number): Promise<void>;
  truncate(size: number): Promise<void>;
  /** What was written to it is on disk when this resolves; its name need not be. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

export interface Disk {
  /** With the folders above it; returns the first that was not there, if any. */
  makeFolder(path: string): Promise<string | undefined>;
  /** `empty`: made anew. `keep`: made if absent, and left as it is otherwise. */
  open(path: string, how: 'empty' | 'keep'): Promise<DiskFile>;
  /** The names in a folder are on disk when this resolves. */
  flushFolder(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** A file, or a folder with all in it; nothing if there is none. */
  remove(path: string): Promise<void>;
  /** All files below a folder, by their full paths. */
  filesBelow(root: string): Promise<StoredFile[]>;
  /** null: it is not there. */
  blob(path: string): Promise<Blob | null>;
  space(path: string): Promise<StorageSpace>;
}

async function writeAll(file: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength;)
    done += (await file.write(bytes, done, bytes.byteLength - done, offset + done)).bytesWritten;
}

/** The disk of this machine. */
export const nodeDisk: Disk = {
  makeFolder: (path) => mkdir(path, { recursive: true }),
  async open(path, how) {
    // Opened for reading and writing, made if absent, never emptied.
    if (how === 'keep') await open(path, 'a').then((made) => made.close());
    const file = await open(path, how === 'keep' ? 'r+' : 'w');
    return {
      write: (bytes, offset) => writeAll(file, bytes, offset),
      truncate: (size) => file.truncate(size),
      flush: () => file.datasync(),
      close: () => file.close(),
    };
  },
  // Systems that have no such thing as a folder's handle do it themselves.
  async flushFolder(path) {
    const folder = await open(path, 'r').catch(() => null);
    await folder?.sync().catch(() => undefined);
    await folder?.close();
  },
  rename,
  remove: (path) => rm(path, { recursive: true, force: true }),
  async filesBelow(root) {
    await mkdir(root, { recursive: true });
    const entries = await readdir(root, { recursive: true, withFileTypes: true });
    const found = await Promise.all(
      entries
        .filter((entry) => entry.isFile())
        .map(async (entry) => {
          const path = join(entry.parentPath, entry.name);
          // One that is gone by now is not there.
          return stat(path).then(
            ({ size }) => [{ path, size }],
            () => [],
          );
        }),
    );
    return found.flat();
  },
  async blob(path) {
    try {
      return await openAsBlob(path);
    } catch (error) {
      // openAsBlob says ERR_INVALID_ARG_VALUE for a file that is not there.
      if (await stat(path).then(() => false, isAbsent)) return null;
      throw error;
    }
  },
  async space(path) {
    const { bsize, blocks, bavail } = await statfs(path);
    return { used: (blocks - bavail) * bsize, quota: blocks * bsize };
  },
};
