/** Saves bytes and texts to the user's disk. */
import { fileWords } from '../../base/file-name.ts';
import { isDiskFull } from '../../base/disk-full.ts';
import { GroundworkError } from '../../base/error.ts';

/** Hands bytes to the user's disk: straight into a file where the browser can, else as a download. */
export function saveBlob(blob: Blob, fileName: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = fileName;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** A text as a part of a file's name. */
export const asFileName = (text: string): string => fileWords(text).replace(/^-+|-+$/g, '') || 'run';

interface FilePickerWindow {
  showSaveFilePicker?(options: { suggestedName: string }): Promise<FileSystemFileHandle>;
}

/** Asks for the place first, while the click still counts. null: the user changed their mind; undefined: no such way. */
export async function askForFile(suggestedName: string): Promise<FileSystemFileHandle | null | undefined> {
  const { showSaveFilePicker } = window as FilePickerWindow;
  if (!showSaveFilePicker) return undefined;
  try {
    return await showSaveFilePicker.call(window, { suggestedName });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') return null;
    return undefined;
  }
}

interface FolderPickerWindow {
  showDirectoryPicker?(options: { mode: 'readwrite' }): Promise<FileSystemDirectoryHandle>;
}

export const canAskForFolder = (): boolean => 'showDirectoryPicker' in window;

/** Asks for a folder to write to, while the click still counts. null: the user changed their mind. */
export async function askForFolder(): Promise<FileSystemDirectoryHandle | null> {
  try {
    return await (window as FolderPickerWindow).showDirectoryPicker!({ mode: 'readwrite' });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') return null;
    throw error;
  }
}

export interface Saved {
  readonly bytes: number;
  /** What was written, as it lies where it was written, to be read back. */
  readonly written: Blob;
}

/** Tries to remove a file, and the wait between two: a worker that has ended lets its files go a little later. */
const TRIES = 8;
const TRY_MS = 250;

/**
 * Removes files from a folder of the user's. One that is not there is none to remove.
 * @returns paths of those that could not be removed
 */
export async function removeFiles(folder: FileSystemDirectoryHandle, paths: Iterable<string>): Promise<string[]> {
  const left: string[] = [];
  for (const path of paths) if (!(await removed(folder, path))) left.push(path);
  return left;
}

async function removed(folder: FileSystemDirectoryHandle, path: string): Promise<boolean> {
  const parts = path.split('/');
  const file = parts.pop()!;
  for (let tries = 1; tries <= TRIES; tries++) {
    try {
      let parent = folder;
      for (const part of parts) parent = await parent.getDirectoryHandle(part);
      await parent.removeEntry(file);
      return true;
    } catch (error) {
      const { name } = error as { name?: unknown };
      if (name === 'NotFoundError') return true;
      if (name !== 'NoModificationAllowedError') return false;
      await new Promise((resolve) => setTimeout(resolve, TRY_MS));
    }
  }
  return false;
}

/** Where a download waits in the browser's private storage, so that it is never in memory. */
const OUTBOX = 'outgoing';
/** Milliseconds after which a download is taken to be over. */
const TAKEN = 3_600_000;
/** Without any place on disk a small export still passes through memory. */
const MOST_IN_MEMORY = 2 ** 28;

type Removable = FileSystemFileHandle & { remove?(): Promise<void> };

/** The outbox; what lies there from long ago is thrown away. undefined: this browser has no such place. */
export async function tidyOutbox(): Promise<FileSystemDirectoryHandle | undefined> {
  try {
    const root = await navigator.storage.getDirectory();
    const box = await root.getDirectoryHandle(OUTBOX, { create: true });
    const now = Date.now();
    const names: string[] = [];
    for await (const name of box.keys()) names.push(name);
    for (const name of names)
      if (!(now - Number.parseInt(name, 10) < TAKEN)) await box.removeEntry(name).catch(() => undefined);
    return box;
  } catch {
    return undefined;
  }
}

/** A new file in the outbox; undefined: this browser has no such place. */
async function outgoing(fileName: string): Promise<FileSystemFileHandle | undefined> {
  try {
    const file = await (await tidyOutbox())?.getFileHandle(`${Date.now()}-${fileName}`, { create: true });
    if (!file) return undefined;
    return 'createWritable' in file ? file : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Writes a stream to the file chosen, else offers it as a download. Nothing half written stays: a file that was there
 * before keeps its contents until the last byte, and one that was made for this is removed.
 * @throws GroundworkError `storage-full`, `export-no-place`; the signal's reason; what the stream throws
 */
export async function saveStream(
  stream: ReadableStream<Uint8Array>,
  fileName: string,
  chosen: FileSystemFileHandle | undefined,
  onBytes: (bytes: number) => void,
  signal?: AbortSignal,
): Promise<Saved> {
  const handle = chosen ?? (await outgoing(fileName));
  let bytes = 0;
  const counted = stream.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        bytes += chunk.byteLength;
        if (!handle && bytes > MOST_IN_MEMORY) throw noPlace();
        onBytes(bytes);
        controller.enqueue(chunk);
      },
    }),
    signal && { signal },
  );
  if (!handle) {
    const blob = await new Response(counted as ReadableStream<Uint8Array<ArrayBuffer>>).blob();
    const written = new Blob([blob], { type: 'application/zip' });
    saveBlob(written, fileName);
    return { bytes, written };
  }
  try {
    // Closing puts the whole in the file's place; an error or the signal throws it away.
    await counted.pipeTo((await handle.createWritable()) as WritableStream<Uint8Array>, signal && { signal });
  } catch (cause) {
    const left = await handle.getFile().catch(() => null);
    if (left?.size === 0) await (handle as Removable).remove?.().catch(() => undefined);
    throw isDiskFull(cause) ? full(bytes, cause) : cause;
  }
  const written = await handle.getFile();
  if (!chosen) saveBlob(written, fileName);
  return { bytes, written };
}

const full = (bytes: number, cause: unknown) =>
  new GroundworkError(
    'storage-full',
    `The disk was full after ${(bytes / 2 ** 20).toFixed(0)} MiB.`,
    'The incomplete file was deleted. Free disk space or delete a downloaded model, then write it again.',
    { cause },
  );

const noPlace = () =>
  new GroundworkError(
    'export-no-place',
    'This browser does not let the page write so much to the disk.',
    'Export the adapter instead and merge it with PEFT, or open the studio in Chrome or Edge. Nothing was written.',
  );
