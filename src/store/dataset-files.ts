/** Copies of a user's files in the origin-private file system, so that a dataset opens again without asking. */
import { isDiskFull } from '../base/disk-full.ts';
import { GroundworkError } from '../base/error.ts';

type Source =
  | { readonly path: string; readonly file: Blob }
  | { readonly path: string; readonly handle: FileSystemFileHandle | FileSystemDirectoryHandle };

export interface CopyProgress {
  tell(what: string, done: number, total: number): void;
  readonly signal?: AbortSignal;
}

const SPARE = 64 * 2 ** 20;

/** The folder at a path of the origin-private file system. */
export async function storeFolder(location: string, create: boolean): Promise<FileSystemDirectoryHandle> {
  let folder = await navigator.storage.getDirectory();
  for (const part of location.split('/').filter(Boolean)) folder = await folder.getDirectoryHandle(part, { create });
  return folder;
}

export async function removeFromStore(location: string): Promise<void> {
  const parts = location.split('/').filter(Boolean);
  const name = parts.pop();
  if (name === undefined) return;
  const folder = await storeFolder(parts.join('/'), false);
  await folder.removeEntry(name, { recursive: true });
}

async function* filesOf(source: Source): AsyncGenerator<{ path: string; open: () => Promise<Blob> }> {
  if ('file' in source) yield { path: source.path, open: async () => source.file };
  else if (source.handle.kind === 'file') {
    const { handle } = source;
    yield { path: source.path, open: () => (handle as FileSystemFileHandle).getFile() };
  } else
    for await (const [name, handle] of (source.handle as FileSystemDirectoryHandle).entries())
      if (!name.startsWith('.'))
        yield* filesOf({
          path: source.path === '' ? name : `${source.path}/${name}`,
          handle: handle as FileSystemFileHandle | FileSystemDirectoryHandle,
        });
}

/** Every file of the sources, by its path. */
export async function* sourceFiles(
  sources: readonly Source[],
): AsyncGenerator<{ path: string; open: () => Promise<Blob> }> {
  for (const source of sources) yield* filesOf(source);
}

/** A new folder of the browser's storage for a dataset of this name. */
export const placeFor = (name: string): string =>
  `${COPIES}/${name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40)}-${Date.now().toString(36)}`;

/** A copy as it lies there. */
export interface StoredDataset {
  /** What `copyIntoStore` was given. */
  readonly location: string;
  readonly files: number;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly copiedAt: number;
}

/** Where every copy is, a folder each. */
const COPIES = 'datasets';

/** All copies, the last one made first; one that was cut off in the making is among them. */
export async function storedDatasets(): Promise<StoredDataset[]> {
  const root = await storeFolder(COPIES, true);
  const found: StoredDataset[] = [];
  for await (const [name, folder] of root.entries()) {
    if (folder.kind !== 'directory') continue;
    let [files, bytes, copiedAt] = [0, 0, 0];
    for await (const { open } of filesOf({ path: '', handle: folder as FileSystemDirectoryHandle })) {
      const { size, lastModified } = (await open()) as File;
      files++;
      bytes += size;
      copiedAt = Math.max(copiedAt, lastModified);
    }
    found.push({ location: `${COPIES}/${name}`, files, bytes, copiedAt });
  }
  return found.sort((a, b) => b.copiedAt - a.copiedAt);
}

/** Deletes a copy; one that is not there any more is none to delete. Throws `copy-unknown` for any other place. */
export async function removeStoredDataset(location: string): Promise<void> {
  const [folder, name, ...rest] = location.split('/');
  if (folder !== COPIES || !name || rest.length > 0)
    throw new GroundworkError('copy-unknown', `${location} is not a copy of a dataset.`, 'Nothing was deleted.');
  await removeFromStore(location).catch((error: unknown) => {
    if (!(error instanceof DOMException && error.name === 'NotFoundError')) throw error;
  });
}

/**
 * Copies everything below `location`. Nothing is left behind if it fails. Throws `cancelled`, `storage-full` (told
 * before anything is written, as far as the browser's estimate goes).
 */
export async function copyIntoStore(
  location: string,
  sources: readonly Source[],
  { tell, signal }: CopyProgress,
): Promise<{ bytes: number; files: number }> {
  const check = () => {
    if (signal?.aborted)
      throw new GroundworkError(
        'cancelled',
        'Copying was cancelled.',
        'The incomplete copy was removed. Your files are unchanged.',
      );
  };
  let [total, files] = [0, 0];
  for (const source of sources)
    for await (const { open } of filesOf(source)) {
      check();
      total += (await open()).size;
      if (++files % 500 === 0) tell('Measuring files', files, 0);
    }
  const { quota = Infinity, usage = 0 } = await navigator.storage.estimate();
  if (total + SPARE > quota - usage) throw full(total + SPARE, quota - usage);
  const root = await storeFolder(location, true);
  let done = 0;
  try {
    for (const source of sources)
      for await (const { path, open } of filesOf(source)) {
        check();
        const parts = path.split('/');
        const name = parts.pop()!;
        let folder = root;
        for (const part of parts) folder = await folder.getDirectoryHandle(part, { create: true });
        const blob = await open();
        const writable = await (await folder.getFileHandle(name, { create: true })).createWritable();
        const before = done;
        const counted = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
          transform(chunk, controller) {
            done += chunk.length;
            tell('Copying files', done, total);
            controller.enqueue(chunk);
          },
        });
        await blob
          .stream()
          .pipeThrough(counted)
          .pipeTo(writable, signal ? { signal } : {});
        done = before + blob.size;
      }
    check();
  } catch (cause) {
    await removeFromStore(location).catch(() => undefined);
    if (signal?.aborted) check();
    if (isDiskFull(cause)) throw full(total + SPARE, quota - usage, cause);
    throw cause;
  }
  return { bytes: total, files };
}

/** Two sizes with as many digits as it takes to see that they differ. */
function compared(a: number, b: number): [string, string] {
  const [unit, name] = Math.max(a, b) < 2 ** 30 ? [2 ** 20, 'MiB'] : [2 ** 30, 'GiB'];
  for (let digits = 1; digits <= 3; digits++) {
    const [x, y] = [(a / unit).toFixed(digits), (b / unit).toFixed(digits)];
    if (x !== y) return [`${x} ${name}`, `${y} ${name}`];
  }
  return [`${a} bytes`, `${b} bytes`];
}

/** @param wanted what the files need, and what is to stay free for everything else */
function full(wanted: number, free: number, cause?: unknown): GroundworkError {
  const [needed, left] = compared(wanted, Math.max(0, free));
  return new GroundworkError(
    'storage-full',
    `A copy of these files needs ${needed} (${SPARE / 2 ** 20} MiB of it stay free), but the browser has only ${left} for this page.`,
    'Nothing was changed. Read them in place instead, or remove other datasets and projects.',
    { cause },
  );
}
