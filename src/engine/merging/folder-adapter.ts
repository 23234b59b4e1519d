/** An adapter read without its model: its own tensors say which modules it is on, and how large these are. */
import { GroundworkError } from '../../base/error.ts';
import { blobSource } from '../../formats/byte-source.ts';
import { canonicalName, parseAdapterKey } from '../../formats/peft.ts';
import { openSafetensors, type Safetensors } from '../../formats/safetensors.ts';
import type { LinearModule } from '../../models/model.ts';
import { readAdapter, type ImportedAdapter } from '../../train/import.ts';
import { adapterFilesOf, notesOnPassedBy } from '../model/adapter-files.ts';
import type { NamedFile } from '../protocol/words.ts';

export interface FolderAdapter {
  readonly name: string;
  readonly adapter: ImportedAdapter;
}

export interface AdapterFolder {
  readonly name: string;
  readonly files: readonly NamedFile[];
}

interface Opened {
  readonly name: string;
  readonly config: string;
  readonly tensors: Safetensors;
  readonly passedBy: readonly string[];
}

/**
 * Adapters of one model. Versions of transformers name the modules of Qwen2-VL and Qwen2.5-VL differently: where names
 * differ only by that, they are brought to today's.
 * @throws what `readAdapter` throws, with the folder's name before it
 */
export async function readFolderAdapters(folders: readonly AdapterFolder[]): Promise<FolderAdapter[]> {
  const opened: Opened[] = [];
  for (const { name, files } of folders)
    opened.push(
      await inFolder(name, async () => {
        const { config, weights, passedBy } = await adapterFilesOf(files);
        const tensors = await openSafetensors(blobSource(weights), 'adapter_model.safetensors');
        return { name, config: await config.text(), tensors, passedBy };
      }),
    );
  const spelt = opened.map(({ tensors }) => linearsOf(tensors, (module) => module));
  const today = opened.map(({ tensors }) => linearsOf(tensors, canonicalName));
  const chosen = distinct(today) < distinct(spelt) ? today : spelt;
  const read: FolderAdapter[] = [];
  for (const [i, { name, config, tensors, passedBy }] of opened.entries()) {
    const adapter = await inFolder(name, () => readAdapter(chosen[i]!, config, tensors));
    read.push({ name, adapter: { ...adapter, notes: [...notesOnPassedBy(passedBy), ...adapter.notes] } });
  }
  return read;
}

const distinct = (lists: readonly (readonly LinearModule[])[]): number =>
  new Set(lists.flatMap((list) => list.map(({ name }) => name))).size;

/** The modules with both matrices, [r, in] and [out, r]. No file says which tower they are of, and none is left out. */
function linearsOf(tensors: Safetensors, named: (module: string) => string): LinearModule[] {
  const sizes = new Map<string, { in?: number; out?: number }>();
  for (const [key, { shape }] of tensors.tensors) {
    const parsed = parseAdapterKey(key);
    if (!parsed || (parsed.part !== 'lora_A' && parsed.part !== 'lora_B')) continue;
    const module = named(parsed.module);
    const size = sizes.get(module) ?? {};
    sizes.set(module, parsed.part === 'lora_A' ? { ...size, in: shape[1] ?? 0 } : { ...size, out: shape[0] ?? 0 });
  }
  return [...sizes].map(([name, size]) => ({
    name,
    inFeatures: size.in ?? 0,
    outFeatures: size.out ?? 0,
    tower: 'text',
  }));
}

/** A failure with the folder's name before it. */
export async function inFolder<T>(name: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof GroundworkError)) throw error;
    throw new GroundworkError(error.code, `${name}: ${error.message}`, error.hint, { cause: error });
  }
}
