/** What the user dropped, as one flat list of files: zips are opened in place, their entries unpacked when asked for. */
import { GroundworkError } from '../base/error.ts';
import { looksLikeZip, openZip } from '../formats/zip.ts';
import type { RowIssue } from './row.ts';

/** A file with its path inside the dropped folder (or its name). */
export interface NamedFile {
  readonly path: string;
  readonly file: Blob;
}

export interface DatasetFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  blob(): Promise<Blob>;
}

const JUNK = /(?:^|\/)(?:__MACOSX\/|\.|Thumbs\.db$|desktop\.ini$)/i;
const MAX_NESTING = 3;

export const fileIssue = (
  file: string,
  reason: string,
  fix: string,
  severity: RowIssue['severity'] = 'error',
): RowIssue => ({ file, line: 0, field: '', reason, fix, severity });

/** A zip's entries take the zip's place: `data/images.zip` containing `a.png` gives `data/images/a.png`. */
async function expand(file: DatasetFile, depth: number, files: DatasetFile[], issues: RowIssue[]): Promise<void> {
  if (JUNK.test(file.path)) return;
  if (!/\.zip$/i.test(file.path) && (depth > 0 || !(await looksLikeZip(await file.blob())))) {
    files.push(file);
    return;
  }
  if (depth >= MAX_NESTING) {
    issues.push(fileIssue(file.path, `zips are nested more than ${MAX_NESTING} deep`, 'Unpack the outer ones.'));
    return;
  }
  try {
    const archive = await openZip(await file.blob(), file.path);
    for (const { path, reason } of archive.refused)
      issues.push(fileIssue(`${file.path}/${path}`, reason, 'Unpack the archive yourself and drop the folder.'));
    // The only file dropped: its name says nothing, its content is the dataset.
    const folder = depth === 0 ? '' : `${file.path.replace(/\.zip$/i, '')}/`;
    for (const entry of archive.entries)
      await expand(
        { path: `${folder}${entry.path}`, size: entry.size, blob: () => entry.blob() },
        depth + 1,
        files,
        issues,
      );
  } catch (error) {
    if (!(error instanceof GroundworkError)) throw error;
    issues.push(fileIssue(file.path, error.message, error.hint));
  }
}

/** All files, junk left out. Two with one path: the first is kept, the second reported. */
export async function expandFiles(
  dropped: readonly NamedFile[],
): Promise<{ files: DatasetFile[]; issues: RowIssue[] }> {
  const found: DatasetFile[] = [];
  const issues: RowIssue[] = [];
  for (const { path, file } of dropped) {
    const clean = path.replaceAll('\\', '/').replace(/^(?:\.?\/)+/, '');
    await expand({ path: clean, size: file.size, blob: async () => file }, 0, found, issues);
  }
  const byPath = new Map<string, DatasetFile>();
  for (const file of found) {
    if (byPath.has(file.path))
      issues.push(fileIssue(file.path, 'two files have this path', 'Drop them in different folders.', 'warning'));
    else byPath.set(file.path, file);
  }
  return { files: [...byPath.values()], issues };
}
