/** The files of a PEFT adapter among those that were handed over. */
import { GroundworkError } from '../../base/error.ts';
import { looksLikeZip, openZip } from '../../formats/zip.ts';
import type { NamedFile } from '../protocol/words.ts';

/**
 * The two files of a PEFT folder among those given, wherever they lie; a zip is looked into.
 * @throws GroundworkError `adapter-incomplete`
 */
export async function adapterFilesOf(given: readonly NamedFile[]): Promise<{ config: Blob; weights: Blob }> {
  const files: NamedFile[] = [];
  for (const { path, file } of given) {
    if (!(await looksLikeZip(file))) files.push({ path, file });
    else
      for (const entry of (await openZip(file, path)).entries)
        if (/(?:^|\/)adapter_(?:config\.json|model\.safetensors)$/.test(entry.path))
          files.push({ path: entry.path, file: (await entry.blob()) as Blob });
  }
  const find = (name: string) => files.find(({ path }) => path === name || path.endsWith(`/${name}`))?.file;
  const [config, weights] = [find('adapter_config.json'), find('adapter_model.safetensors')];
  if (config && weights) return { config, weights };
  const pickled = files.some(({ path }) => /adapter_model\.(?:bin|pt)$/.test(path));
  throw new GroundworkError(
    'adapter-incomplete',
    `There is no ${config ? 'adapter_model.safetensors' : 'adapter_config.json'} among these files.`,
    pickled
      ? 'adapter_model.bin is a Python pickle, which Groundwork does not read. Load the adapter in PEFT and save it with safe_serialization.'
      : 'Choose the whole folder that PEFT wrote, or a zip of it.',
  );
}
