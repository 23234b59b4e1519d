/** Files in memory, for tests and for an engine that was given no storage: gone with the process. */
import { GroundworkError } from '../base/error.ts';
import type { FileStore } from './file-store.ts';

/** @param room bytes; what would go beyond is refused as a full disk refuses it */
export function memoryFiles(room: number | (() => number) = Infinity): FileStore {
  const quota = () => (typeof room === 'number' ? room : room());
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const used = () => [...files.values()].reduce((sum, { length }) => sum + length, 0);
  const put = (path: string, bytes: Uint8Array<ArrayBuffer>) => {
    if (used() - (files.get(path)?.length ?? 0) + bytes.length > quota())
      throw new GroundworkError('storage-full', 'The storage is full.', 'Delete something.');
    files.set(path, bytes);
  };
  const resized = (bytes: Uint8Array<ArrayBuffer>, size: number) => {
    const next = new Uint8Array(size);
    next.set(bytes.subarray(0, size));
    return next;
  };
  return {
    list: () => Promise.resolve([...files].map(([path, { length: size }]) => ({ path, size }))),
    blob: (path) => Promise.resolve(files.has(path) ? new Blob([files.get(path)!]) : null),
    writeText: async (path, text) => put(path, new TextEncoder().encode(text)),
    open: async (path) => {
      put(path, files.get(path) ?? new Uint8Array());
      return {
        write: async (offset, bytes) => {
          const before = files.get(path)!;
          const next = resized(before, Math.max(before.length, offset + bytes.length));
          next.set(bytes, offset);
          put(path, next);
        },
        truncate: async (size) => put(path, resized(files.get(path)!, size)),
        flush: () => Promise.resolve(),
        close: () => Promise.resolve(),
      };
    },
    rename: async (from, to) => {
      files.set(to, files.get(from)!);
      files.delete(from);
    },
    remove: async (path) => {
      for (const name of files.keys()) if (name === path || name.startsWith(`${path}/`)) files.delete(name);
    },
    space: () => Promise.resolve(quota() === Infinity ? null : { used: used(), quota: quota() }),
  };
}
