/** The files of a checkpoint's folder as they are handed over: with paths that begin with the folder's name, or without. */
import { GroundworkError } from '../../base/error.ts';
import type { NamedFile } from '../protocol/words.ts';

/** Files below one folder, without its name. */
export function stripCommonFolder(files: readonly NamedFile[]): NamedFile[] {
  const config = files.find(({ path }) => /(^|\/)config\.json$/.test(path));
  if (!config)
    throw new GroundworkError(
      'checkpoint-incomplete',
      'There is no config.json among these files.',
      'Choose the whole folder of a Hugging Face checkpoint.',
    );
  const prefix = config.path.slice(0, -'config.json'.length);
  return files
    .filter(({ path }) => path.startsWith(prefix))
    .map(({ path, file }) => ({ path: path.slice(prefix.length), file }));
}

/** The name of the folder that the files lie in. */
export const folderName = (files: readonly NamedFile[]): string =>
  files[0]?.path.split('/').slice(0, -1)[0] || 'local checkpoint';
