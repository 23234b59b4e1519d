/** Files on disk as the engine takes them: random access without reading them whole. */
import { openAsBlob } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
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
