/**
 * The check of an export after it was written: every file is hashed while it streams out, and what lies on the disk is
 * read back, hashed again and opened as a reader would open it. A disk that is full, a sync program or a defect of ours
 * all look the same from here: bytes that are not those we meant.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { blobSource } from '../../formats/byte-source.ts';
import { openGguf } from '../../formats/gguf.ts';
import { openSafetensors } from '../../formats/safetensors.ts';
import { openZip } from '../../formats/zip.ts';
import { fileIn } from '../../store/output-folder.ts';
import type { OutputFile } from '../../train/checkpoint-folder.ts';
import type { ExportCheck } from '../protocol/export.ts';

interface Written {
  readonly bytes: number;
  readonly sha256: string;
}

/** What lies where an export was written. */
interface Place {
  /** As the user knows it. */
  readonly name: string;
  /** null: there is no such file. */
  blob(path: string): Promise<Blob | null>;
  /** Files that are there besides those meant. */
  strangers(meant: ReadonlySet<string>): readonly string[];
}

/** The files of one export on their way out. */
export class ExportRecord {
  readonly #files: readonly OutputFile[];
  readonly #written = new Map<string, Written>();

  constructor(files: readonly OutputFile[]) {
    this.#files = files;
  }

  /** Of the tensors in all files together. */
  get weightBytes(): number {
    return this.#files.flatMap(({ tensors = [] }) => tensors).reduce((sum, tensor) => sum + tensor.byteLength, 0);
  }

  /** The same files; each is hashed as it passes. */
  files(): OutputFile[] {
    return this.#files.map((file) => ({ ...file, data: this.#hashed(file) }));
  }

  /**
   * What is wrong with the export as it was written; nothing, if all is well.
   * @param written an archive, or the folder that the files are in; other files of a folder are nobody's business
   * @param onFile told before each file is read back
   */
  async check(
    written: Blob | FileSystemDirectoryHandle,
    onFile: (path: string, done: number, total: number) => void,
  ): Promise<ExportCheck> {
    const problems: string[] = [];
    const place = written instanceof Blob ? await inArchive(written) : inFolder(written);
    const files: ExportCheck['files'][number][] = [];
    let tensors = 0;
    for (const [i, { path, tensors: meant, container }] of this.#files.entries()) {
      onFile(path, i, this.#files.length);
      const was = this.#written.get(path);
      const blob = await place.blob(path);
      if (!blob || !was) {
        problems.push(`${path} is not in ${place.name}.`);
        continue;
      }
      const hash = await hashOf(blob);
      if (hash !== was.sha256) problems.push(`${path} was read back with different bytes.`);
      files.push({ path, bytes: blob.size, sha256: hash });
      if (!meant) continue;
      const open = container === 'gguf' ? openGguf : openSafetensors;
      const found = await open(blobSource(blob), path);
      for (const { name, shape } of meant) {
        const there = found.tensors.get(name);
        if (!there) problems.push(`${path} has no tensor ${name}.`);
        else if (there.shape.join() !== shape.join())
          problems.push(`${path}: ${name} has the shape [${there.shape.join(', ')}] instead of [${shape.join(', ')}].`);
        else tensors++;
      }
      const extra = found.tensors.size - meant.length;
      if (extra > 0) problems.push(`${path} has ${extra} tensors that do not belong there.`);
    }
    for (const path of place.strangers(new Set(this.#files.map((file) => file.path))))
      problems.push(`${path} does not belong in ${place.name}.`);
    return { files, tensors, modules: this.#modules(), problems };
  }

  /** Adapted modules, for an adapter: a pair of matrices each. */
  #modules(): number | null {
    const names = this.#files.flatMap(({ tensors = [] }) => tensors.map(({ name }) => name));
    const modules = new Set(names.flatMap((name) => name.match(/^(.+)\.lora_[ab]\b/i)?.[1] ?? []));
    return modules.size > 0 ? modules.size : null;
  }

  async *#hashed({ path, data }: OutputFile): AsyncGenerator<Uint8Array> {
    const hash = sha256.create();
    let bytes = 0;
    for await (const chunk of typeof data === 'string' ? [new TextEncoder().encode(data)] : data) {
      hash.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
    this.#written.set(path, { bytes, sha256: bytesToHex(hash.digest()) });
  }
}

async function inArchive(archive: Blob): Promise<Place> {
  const { entries } = await openZip(archive, 'the written archive');
  return {
    name: 'the archive',
    blob: async (path) => entries.find((entry) => entry.path === path)?.blob() ?? null,
    strangers: (meant) => entries.flatMap(({ path }) => (meant.has(path) ? [] : path)),
  };
}

const inFolder = (folder: FileSystemDirectoryHandle): Place => ({
  name: 'the folder',
  blob: (path) => fileIn(folder, path),
  strangers: () => [],
});

async function hashOf(blob: Blob): Promise<string> {
  const hash = sha256.create();
  const reader = blob.stream().getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) hash.update(next.value);
  return bytesToHex(hash.digest());
}
