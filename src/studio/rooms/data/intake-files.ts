/** What a person dropped or picked, as files with their paths, or as handles that can be kept. */
import type { NamedFile, NamedHandle } from '../../../engine/protocol/index.ts';
import type { Intake } from '../../state/dataset-actions.ts';
import { filesOf } from '../../state/model-folder.ts';

export type { Intake } from '../../state/dataset-actions.ts';

type AnyHandle = FileSystemFileHandle | FileSystemDirectoryHandle;

interface HandleItem {
  getAsFileSystemHandle?(): Promise<AnyHandle | null>;
}

/** Must be called in the drop event itself: the browser forgets the entries afterwards. */
export async function intakeFromDrop(transfer: DataTransfer): Promise<Intake | null> {
  const items = [...transfer.items].filter((item) => item.kind === 'file');
  const pending = items.map((item) => (item as HandleItem).getAsFileSystemHandle?.().catch(() => null) ?? null);
  const entries = items.flatMap((item) => item.webkitGetAsEntry() ?? []);
  const plain = [...transfer.files];
  // Of a file that is on no disk there is no handle: null, or undefined.
  const handles = (await Promise.all(pending)).flatMap((handle) => handle ?? []);
  if (handles.length > 0 && handles.length === items.length) return intakeFromHandles(handles);
  if (entries.length === 0) return plain.length > 0 ? named(plain.map((file) => ({ path: file.name, file }))) : null;
  const files: NamedFile[] = [];
  for (const entry of entries) await walk(entry, '', files);
  return named(files);
}

export function intakeFromPicker(list: FileList): Intake | null {
  const files = [...list].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
  return files.length > 0 ? named(files) : null;
}

/** A folder alone gives the name, and its content the paths. A checkpoint is walked, so that it is known for one. */
export async function intakeFromHandles(handles: readonly AnyHandle[]): Promise<Intake> {
  const [only] = handles;
  if (handles.length === 1 && only!.kind === 'directory') {
    const folder = only as FileSystemDirectoryHandle;
    const files = (await holdsModel(folder)) ? await filesOf(folder) : [];
    return { name: folder.name, files, handles: [{ path: '', handle: folder }] };
  }
  const kept = handles.map((handle): NamedHandle => ({ path: handle.name, handle }));
  return { name: handles.length === 1 ? only!.name : `${handles.length} files`, files: [], handles: kept };
}

/** One common folder around everything is the name, not part of the paths. */
export function named(files: readonly NamedFile[]): Intake {
  const kept = files.filter(({ path }) => !/(^|\/)(\.|__MACOSX\/|Thumbs\.db$)/.test(path));
  const root = kept[0]?.path.split('/')[0] ?? '';
  const shared = kept.length > 0 && kept.every(({ path }) => path.startsWith(`${root}/`));
  if (!shared) return { name: kept.length === 1 ? kept[0]!.path : `${kept.length} files`, files: kept, handles: [] };
  return {
    name: root,
    files: kept.map(({ path, file }) => ({ path: path.slice(root.length + 1), file })),
    handles: [],
    folder: true,
  };
}

/** Weights and a configuration side by side: a model, not a dataset. */
export function looksLikeModel({ files }: Pick<Intake, 'files'>): boolean {
  return files.some(({ path }) => path === 'config.json') && files.some(({ path }) => path.endsWith('.safetensors'));
}

/** Names looked at to tell a checkpoint from a folder of a hundred thousand pictures. */
const NAMES = 500;

async function holdsModel(folder: FileSystemDirectoryHandle): Promise<boolean> {
  let [seen, config, weights] = [0, false, false];
  for await (const name of folder.keys()) {
    config ||= name === 'config.json';
    weights ||= name.endsWith('.safetensors');
    if ((config && weights) || ++seen > NAMES) break;
  }
  return config && weights;
}

async function walk(entry: FileSystemEntry, folder: string, files: NamedFile[]): Promise<void> {
  const path = folder ? `${folder}/${entry.name}` : entry.name;
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    files.push({ path, file });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  // A reader gives at most 100 entries a call.
  for (;;) {
    const batch = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (batch.length === 0) return;
    for (const child of batch) await walk(child, path, files);
  }
}
