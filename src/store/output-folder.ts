/**
 * Files written one by one into a folder of the user's, each in pieces. What was begun is taken away again when it
 * cannot be ended; what was there before is never touched.
 */
import { isDiskFull } from '../base/disk-full.ts';
import { GroundworkError } from '../base/error.ts';
import { gathered } from '../base/gathered.ts';

export interface FileToPlace {
  readonly path: string;
  readonly data: string | AsyncIterable<Uint8Array>;
}

export interface PlacingOptions {
  /** Bytes written so far, of all files. */
  readonly onBytes: (bytes: number) => void;
  /** A file is begun; nothing of it is there yet. */
  readonly onFile?: (path: string) => void;
  /** Its reason is thrown. */
  readonly signal: AbortSignal;
}

/** The file at a path below a folder; null if there is none. Throws `folder-denied`, `folder-failed`. */
export async function fileIn(folder: FileSystemDirectoryHandle, path: string): Promise<File | null> {
  const parts = path.split('/');
  const name = parts.pop()!;
  try {
    let parent = folder;
    for (const part of parts) parent = await parent.getDirectoryHandle(part);
    return await (await parent.getFileHandle(name)).getFile();
  } catch (error) {
    // A folder where a file should be is in the way as much as a file.
    if (nameOf(error) === 'NotFoundError') return null;
    throw refusal(folder.name, error, 0);
  }
}

/**
 * Writes files in the order given.
 * @returns bytes written
 * @throws GroundworkError `storage-full`, `folder-denied`, `folder-failed`; the signal's reason; what the data throws:
 * nothing of what was written is left then. `folder-left` names what is.
 */
export async function placeFiles(
  folder: FileSystemDirectoryHandle,
  files: readonly FileToPlace[],
  { onBytes, onFile, signal }: PlacingOptions,
): Promise<number> {
  const made = new Made(folder);
  let bytes = 0;
  const guarded = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      throw refusal(folder.name, error, bytes);
    }
  };
  try {
    for (const { path, data } of files) {
      signal.throwIfAborted();
      onFile?.(path);
      const file = await guarded(made.file(path));
      const stream = await guarded(file.createWritable());
      try {
        for await (const chunk of typeof data === 'string' ? [new TextEncoder().encode(data)] : gathered(data)) {
          signal.throwIfAborted();
          await guarded(stream.write(chunk as Uint8Array<ArrayBuffer>));
          onBytes((bytes += chunk.length));
        }
      } catch (error) {
        await stream.abort().catch(() => undefined);
        throw error;
      }
      await guarded(stream.close());
    }
    return bytes;
  } catch (error) {
    const left = await made.remove();
    throw left.length > 0 ? leftBehind(folder.name, left, error) : error;
  }
}

/** What was made in a folder, to be taken away again. */
class Made {
  readonly #folder: FileSystemDirectoryHandle;
  readonly #entries: { readonly parent: FileSystemDirectoryHandle; readonly name: string; readonly path: string }[] =
    [];

  constructor(folder: FileSystemDirectoryHandle) {
    this.#folder = folder;
  }

  async file(path: string): Promise<FileSystemFileHandle> {
    const parts = path.split('/');
    const name = parts.pop()!;
    let parent = this.#folder;
    let below = '';
    for (const part of parts) {
      below += `${part}/`;
      parent = await this.#make(parent, below, part, (create) => parent.getDirectoryHandle(part, { create }));
    }
    return this.#make(parent, path, name, (create) => parent.getFileHandle(name, { create }));
  }

  /** The last first, so that folders are empty when their turn comes. Gives the paths that could not be removed. */
  async remove(): Promise<string[]> {
    const left: string[] = [];
    for (const { parent, name, path } of this.#entries.reverse())
      await parent.removeEntry(name).catch((error: unknown) => nameOf(error) === 'NotFoundError' || left.push(path));
    return left;
  }

  async #make<T>(
    parent: FileSystemDirectoryHandle,
    path: string,
    name: string,
    get: (create: boolean) => Promise<T>,
  ): Promise<T> {
    try {
      return await get(false);
    } catch (error) {
      if (nameOf(error) !== 'NotFoundError') throw error;
      const handle = await get(true);
      this.#entries.push({ parent, name, path });
      return handle;
    }
  }
}

const nameOf = (error: unknown): unknown => (error as { name?: unknown } | null)?.name;

/** A browser's refusal in our words. */
function refusal(folder: string, cause: unknown, bytes: number): GroundworkError {
  const name = nameOf(cause);
  const so = bytes > 0 ? ` after ${(bytes / 2 ** 20).toFixed(0)} MiB` : '';
  if (isDiskFull(cause))
    return new GroundworkError(
      'storage-full',
      `The disk was full${so}.`,
      `What was written to “${folder}” was removed. Free space on that disk, or choose a folder on another disk. Then write it again.`,
      { cause },
    );
  if (name === 'NotAllowedError' || name === 'SecurityError')
    return new GroundworkError(
      'folder-denied',
      `The browser no longer lets this page write to “${folder}”${so}.`,
      'Write it again, choose the folder, and allow changes to it.',
      { cause },
    );
  const why = cause instanceof Error ? cause.message : String(cause);
  return new GroundworkError(
    'folder-failed',
    `“${folder}” could not be used${so}: ${why}`,
    'Check that the folder is still there and its disk is connected. Then write it again, or choose another folder.',
    { cause },
  );
}

const leftBehind = (folder: string, paths: readonly string[], cause: unknown): GroundworkError => {
  const names = `${paths.slice(0, 3).join(', ')}${paths.length > 3 ? ` and ${paths.length - 3} more` : ''}`;
  return new GroundworkError(
    'folder-left',
    `${cause instanceof Error ? cause.message : String(cause)} ${names} could not be removed from “${folder}”.`,
    'Delete what is there: it is incomplete. Then write it again, to a folder that you allow.',
    { cause },
  );
};
