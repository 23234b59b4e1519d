/** An export written as a folder: refused where a model lies already, and no model to any loader before its last file. */
import { GroundworkError } from '../../base/error.ts';
import { fileIn, placeFiles, type PlacingOptions } from '../../store/output-folder.ts';
import type { OutputFile } from '../../train/checkpoint-folder.ts';

/** Without it a folder loads nowhere: it is written last. */
const LAST = 'config.json';

/** @throws GroundworkError `folder-taken` before anything is written, and what placeFiles throws */
export async function writeExportFolder(
  folder: FileSystemDirectoryHandle,
  files: readonly OutputFile[],
  options: PlacingOptions,
): Promise<number> {
  await refuseTaken(folder, files);
  const last = files.filter(({ path }) => path === LAST);
  return placeFiles(folder, [...files.filter(({ path }) => path !== LAST), ...last], options);
}

async function refuseTaken(folder: FileSystemDirectoryHandle, files: readonly OutputFile[]): Promise<void> {
  for await (const name of folder.keys())
    if (name === LAST || name.endsWith('.safetensors'))
      throw taken(`“${folder.name}” already holds a model: it contains ${name}.`);
  for (const { path } of files)
    if (await fileIn(folder, path))
      throw taken(`“${folder.name}” already has a file ${path}, and the export would overwrite it.`);
}

const taken = (what: string) =>
  new GroundworkError('folder-taken', what, 'Nothing was written. Choose an empty folder, or make a new one.');
