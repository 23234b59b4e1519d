/** A model in a folder on the user's disk: its files, as they are now. */
import { GroundworkError } from '../../base/error.ts';
import type { NamedFile } from '../../engine/protocol/index.ts';
import type { Intake } from './dataset-actions.ts';

/** Every file below a folder, by path inside it. Throws `folder-gone`. */
export async function filesOf(folder: FileSystemDirectoryHandle): Promise<NamedFile[]> {
  const files: NamedFile[] = [];
  const walk = async (directory: FileSystemDirectoryHandle, prefix: string): Promise<void> => {
    for await (const [name, handle] of directory.entries())
      if (name.startsWith('.')) continue;
      else if (handle.kind === 'directory') await walk(handle as FileSystemDirectoryHandle, `${prefix}${name}/`);
      else files.push({ path: prefix + name, file: await (handle as FileSystemFileHandle).getFile() });
  };
  try {
    await walk(folder, '');
  } catch (cause) {
    throw new GroundworkError(
      'folder-gone',
      `The folder “${folder.name}” could not be read.`,
      'It may have been moved, renamed or deleted, or its disk is not connected. Choose it again in the Model room.',
      { cause },
    );
  }
  return files;
}

/** The one folder that was dropped or picked; null for loose files, and where the browser gives no handle. */
export function folderOf({ handles }: Intake): FileSystemDirectoryHandle | null {
  const [only] = handles;
  return handles.length === 1 && only!.handle.kind === 'directory' ? (only!.handle as FileSystemDirectoryHandle) : null;
}

/** Files that were dropped or picked outside of a folder. */
export async function looseFiles({ files, handles }: Intake): Promise<readonly NamedFile[]> {
  const loose = handles.flatMap(({ path, handle }) =>
    handle.kind === 'file' ? [{ path, handle: handle as FileSystemFileHandle }] : [],
  );
  return [
    ...files,
    ...(await Promise.all(loose.map(async ({ path, handle }) => ({ path, file: await handle.getFile() })))),
  ];
}
