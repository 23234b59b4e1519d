/** Files on disk as the engine takes them: random access without reading them whole. */
import { createWriteStream, openAsBlob } from 'node:fs';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { beside } from '../base/beside.ts';
import { toldByDisk } from './disk-error.ts';
import { fileBlob } from './file-blob.ts';

/** Largest file that openAsBlob sees whole. */
const LARGEST = 2 ** 32 - 1;

const openFile = async (path: string): Promise<Blob> =>
  (await stat(path)).size > LARGEST ? fileBlob(path) : openAsBlob(path);

export interface NamedFile {
  readonly path: string;
  readonly file: Blob;
}

/** A file, or every file under a folder, by path inside it. */
export async function filesUnder(path: string): Promise<NamedFile[]> {
  if ((await stat(path)).isFile()) return [{ path: basename(path), file: await openFile(path) }];
  const names = await readdir(path, { recursive: true, withFileTypes: true });
  const files: NamedFile[] = [];
  for (const entry of names.filter((e) => e.isFile())) {
    const full = join(entry.parentPath, entry.name);
    files.push({ path: relative(path, full).split(sep).join('/'), file: await openFile(full) });
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Files of one dataset, or of several as one: the first keeps its paths, the others come beside them. */
export async function filesOfDatasets([first, ...others]: readonly [string, ...string[]]): Promise<
  (NamedFile & { readonly added?: number })[]
> {
  const files: (NamedFile & { readonly added?: number })[] = await filesUnder(first);
  for (const [i, path] of others.entries()) {
    const folder = (await stat(path)).isDirectory();
    const there = files.map((file) => file.path);
    for (const file of beside(basename(path), await filesUnder(path), folder, there))
      files.push({ ...file, added: i + 1 });
  }
  return files;
}

/** A file to be written: its text, or its bytes as they come. */
export interface FileToWrite {
  readonly path: string;
  readonly data: string | AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** Writes files into a folder, with the folders that their paths name; `onFile` is told where each one lies. */
export async function writeFiles(
  folder: string,
  files: Iterable<FileToWrite>,
  onFile?: (path: string) => void,
): Promise<void> {
  const disk = toldByDisk(folder);
  for (const { path, data } of files) {
    const file = join(folder, path);
    await disk(() => mkdir(dirname(file), { recursive: true }));
    try {
      await disk(() => pipeline(Readable.from(typeof data === 'string' ? [data] : data), createWriteStream(file)));
    } catch (error) {
      // Half a file would be taken for a whole one.
      await rm(file, { force: true }).catch(() => undefined);
      throw error;
    }
    onFile?.(file);
  }
}
