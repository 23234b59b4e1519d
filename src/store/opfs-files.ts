/** Files in the origin private file system, which no page but ours sees. In a worker: writing needs its sync handles. */
import { isDiskFull } from '../base/disk-full.ts';
import { GroundworkError } from '../base/error.ts';
import type { FileStore, FileWriter, StoredFile } from './file-store.ts';

/** In every browser that has WebGPU; TypeScript's library does not list it yet. */
interface Movable {
  move(parent: FileSystemDirectoryHandle, name: string): Promise<void>;
}

const isAbsent = (error: unknown) => (error as { name?: unknown } | null)?.name === 'NotFoundError';

/** A browser's refusal in our words. */
function storageError(error: unknown): unknown {
  const { name, message } = error as { name?: unknown; message?: unknown };
  if (isDiskFull(error))
    return new GroundworkError(
      'storage-full',
      'The browser’s storage is full.',
      'What was written before is kept. Delete a downloaded model or free disk space, then try again: it resumes where it stopped.',
      { cause: error },
    );
  if (name === 'NoModificationAllowedError')
    return new GroundworkError(
      'storage-busy',
      'Another tab is writing these files.',
      'Close the other tab, or wait until it is done.',
      { cause: error },
    );
  return new GroundworkError(
    'storage-failed',
    `The browser’s storage refused: ${String(message ?? error)}`,
    'Reload the page and try again. A private window keeps nothing.',
    { cause: error },
  );
}

async function guarded<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw storageError(error);
  }
}

/** @param folder top folder of the private file system to keep to */
export function opfsFiles(folder: string): FileStore {
  const top = async () => (await navigator.storage.getDirectory()).getDirectoryHandle(folder, { create: true });

  const parentOf = async (path: string, create: boolean): Promise<[FileSystemDirectoryHandle, string]> => {
    const parts = path.split('/');
    const name = parts.pop()!;
    let directory = await top();
    for (const part of parts) directory = await directory.getDirectoryHandle(part, { create });
    return [directory, name];
  };
  const handleOf = async (path: string, create: boolean) => {
    const [directory, name] = await parentOf(path, create);
    return directory.getFileHandle(name, { create });
  };
  const walk = async (directory: FileSystemDirectoryHandle, prefix: string, found: StoredFile[]): Promise<void> => {
    for await (const [name, handle] of directory.entries()) {
      if (handle.kind === 'directory') await walk(handle as FileSystemDirectoryHandle, `${prefix}${name}/`, found);
      else found.push({ path: prefix + name, size: (await (handle as FileSystemFileHandle).getFile()).size });
    }
  };

  return {
    list: () =>
      guarded(async () => {
        const found: StoredFile[] = [];
        await walk(await top(), '', found);
        return found;
      }),
    blob: (path) =>
      guarded(async () => {
        try {
          return await (await handleOf(path, false)).getFile();
        } catch (error) {
          if (isAbsent(error)) return null;
          throw error;
        }
      }),
    writeText: (path, text) =>
      guarded(async () => {
        // Goes to a file of its own first, which takes the place of the old one on close.
        const stream = await (await handleOf(path, true)).createWritable();
        await stream.write(text);
        await stream.close();
      }),
    open: (path) =>
      guarded(async (): Promise<FileWriter> => {
        const handle = await (await handleOf(path, true)).createSyncAccessHandle();
        return {
          write: (offset, bytes) =>
            guarded(() => {
              const written = handle.write(bytes as Uint8Array<ArrayBuffer>, { at: offset });
              if (written < bytes.byteLength) throw new DOMException('The disk is full.', 'QuotaExceededError');
            }),
          truncate: (size) => guarded(() => handle.truncate(size)),
          flush: () => guarded(() => handle.flush()),
          close: () => guarded(() => handle.close()),
        };
      }),
    rename: (from, to) =>
      guarded(async () => {
        const [parent, name] = await parentOf(to, true);
        await ((await handleOf(from, false)) as unknown as Movable).move(parent, name);
      }),
    remove: (path) =>
      guarded(async () => {
        try {
          const [parent, name] = await parentOf(path, false);
          await parent.removeEntry(name, { recursive: true });
        } catch (error) {
          if (!isAbsent(error)) throw error;
        }
      }),
    space: async () => {
      const { usage, quota } = await navigator.storage.estimate();
      return usage === undefined || quota === undefined ? null : { used: usage, quota };
    },
  };
}
