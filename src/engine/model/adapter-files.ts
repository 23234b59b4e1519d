/** The files of a PEFT adapter among those that were handed over. */
import { GroundworkError } from '../../base/error.ts';
import { looksLikeZip, openZip } from '../../formats/zip.ts';
import type { NamedFile } from '../protocol/words.ts';

const CONFIG = 'adapter_config.json';
const WEIGHTS = 'adapter_model.safetensors';

export interface AdapterFiles {
  readonly config: Blob;
  readonly weights: Blob;
  /** Folders with adapters of their own further down, which were not read: a trainer's checkpoints. */
  readonly passedBy: readonly string[];
}

/**
 * The two files of a PEFT folder among those given; a zip is looked into. Of several such folders, as a trainer leaves
 * them, the one above the others is meant.
 * @throws GroundworkError `adapter-incomplete`; `adapter-ambiguous` where none is above the others
 */
export async function adapterFilesOf(given: readonly NamedFile[]): Promise<AdapterFiles> {
  const files: NamedFile[] = [];
  for (const { path, file } of given) {
    if (!(await looksLikeZip(file))) files.push({ path, file });
    else
      for (const entry of (await openZip(file, path)).entries)
        if (/(?:^|\/)adapter_(?:config\.json|model\.safetensors)$/.test(entry.path))
          files.push({ path: entry.path, file: (await entry.blob()) as Blob });
  }
  const folders = new Map<string, Map<string, Blob>>();
  for (const { path, file } of files) {
    const at = path.lastIndexOf('/') + 1;
    const [folder, name] = [path.slice(0, at), path.slice(at)];
    folders.set(folder, (folders.get(folder) ?? new Map<string, Blob>()).set(name, file));
  }
  const whole = [...folders].filter(([, names]) => names.has(CONFIG) && names.has(WEIGHTS));
  if (!whole.length) throw incomplete(files);
  const top = Math.min(...whole.map(([folder]) => depth(folder)));
  const meant = whole.filter(([folder]) => depth(folder) === top);
  if (meant.length > 1)
    throw new GroundworkError(
      'adapter-ambiguous',
      `There are ${meant.length} adapters among these files: ${meant.map(([folder]) => folder.replace(/\/$/, '')).join(', ')}.`,
      'Choose the folder of one of them.',
    );
  const [[folder, names]] = meant as [[string, Map<string, Blob>]];
  return {
    config: names.get(CONFIG)!,
    weights: names.get(WEIGHTS)!,
    passedBy: whole
      .map(([other]) => other.replace(/\/$/, ''))
      .filter((other) => `${other}/` !== folder && other !== folder),
  };
}

const depth = (folder: string): number => folder.split('/').length;

function incomplete(files: readonly NamedFile[]): GroundworkError {
  const has = (name: string) => files.some(({ path }) => path === name || path.endsWith(`/${name}`));
  if (has(CONFIG) && has(WEIGHTS))
    return new GroundworkError(
      'adapter-incomplete',
      `${CONFIG} and ${WEIGHTS} lie in different folders.`,
      'Choose the folder in which PEFT wrote both.',
    );
  const pickled = files.some(({ path }) => /adapter_model\.(?:bin|pt)$/.test(path));
  return new GroundworkError(
    'adapter-incomplete',
    `There is no ${has(CONFIG) ? WEIGHTS : CONFIG} among these files.`,
    pickled
      ? 'adapter_model.bin is a Python pickle, which Groundwork does not read. Load the adapter in PEFT and save it with safe_serialization.'
      : 'Choose the whole folder that PEFT wrote, or a zip of it.',
  );
}

/** What is to be said of adapters that were passed by, in whole sentences. */
export function notesOnPassedBy(passedBy: readonly string[]): readonly string[] {
  if (!passedBy.length) return [];
  const shown = passedBy.slice(0, SHOWN).join(', ') + (passedBy.length > SHOWN ? ', …' : '');
  return [
    `Folders further down hold ${passedBy.length === 1 ? 'an adapter' : `${passedBy.length} adapters`} as well (${shown}). The one above was read.`,
  ];
}

/** Folders told of those that were passed by. */
const SHOWN = 4;
