/** What a person dropped or picked, as files with their paths. Folders are walked to the end. */
import type { NamedFile } from '../../../engine/protocol.ts';

export interface Intake {
  readonly name: string;
  readonly files: readonly NamedFile[];
}

/** Must be called in the drop event itself: the browser forgets the entries afterwards. */
export async function intakeFromDrop(transfer: DataTransfer): Promise<Intake | null> {
  const entries = [...transfer.items].flatMap((item) => {
    const entry = item.kind === 'file' ? item.webkitGetAsEntry() : null;
    return entry ? [entry] : [];
  });
  const plain = [...transfer.files];
  if (entries.length === 0) return plain.length > 0 ? named(plain.map((file) => ({ path: file.name, file }))) : null;
  const files: NamedFile[] = [];
  for (const entry of entries) await walk(entry, '', files);
  return named(files);
}

export function intakeFromPicker(list: FileList): Intake | null {
  const files = [...list].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
  return files.length > 0 ? named(files) : null;
}

/** One common folder around everything is the name, not part of the paths. */
export function named(files: readonly NamedFile[]): Intake {
  const kept = files.filter(({ path }) => !/(^|\/)(\.|__MACOSX\/|Thumbs\.db$)/.test(path));
  const root = kept[0]?.path.split('/')[0] ?? '';
  const shared = kept.length > 0 && kept.every(({ path }) => path.startsWith(`${root}/`));
  if (!shared) return { name: kept.length === 1 ? kept[0]!.path : `${kept.length} files`, files: kept };
  return { name: root, files: kept.map(({ path, file }) => ({ path: path.slice(root.length + 1), file })) };
}

/** Weights and a configuration side by side: a model, not a dataset. */
export function looksLikeModel({ files }: Intake): boolean {
  return files.some(({ path }) => path === 'config.json') && files.some(({ path }) => path.endsWith('.safetensors'));
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
