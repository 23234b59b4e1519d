/**
 * The check of an export after it was written: every file is hashed while it streams out, and what lies on the disk is
 * read back, hashed again and opened as a reader would open it. A disk that is full, a sync program or a defect of ours
 * all look the same from here: bytes that are not those we meant.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { GroundworkError } from '../base/error.ts';
import { blobSource } from '../formats/byte-source.ts';
import { openSafetensors } from '../formats/safetensors.ts';
import { openZip } from '../formats/zip.ts';
import type { OutputFile } from '../train/export.ts';
import type { ExportCheck } from './protocol.ts';

interface Written {
  readonly bytes: number;
  readonly sha256: string;
}

/** The files of one export on their way out. */
export class ExportRecord {
  readonly #files: readonly OutputFile[];
  readonly #written = new Map<string, Written>();

  constructor(files: readonly OutputFile[]) {
    this.#files = files;
  }

  /** The same files; each is hashed as it passes. */
  files(): OutputFile[] {
    return this.#files.map((file) => ({ ...file, data: this.#hashed(file) }));
  }

  /**
   * What is wrong with the archive as it was written; nothing, if all is well.
   * @param onFile told before each file is read back
   */
  async check(archive: Blob, onFile: (path: string, done: number, total: number) => void): Promise<ExportCheck> {
    const problems: string[] = [];
    const { entries } = await openZip(archive, 'the written archive');
    const files: ExportCheck['files'][number][] = [];
    let tensors = 0;
    for (const [i, { path, tensors: meant }] of this.#files.entries()) {
      onFile(path, i, this.#files.length);
      const was = this.#written.get(path);
      const entry = entries.find((each) => each.path === path);
      if (!entry || !was) {
        problems.push(`${path} is not in the archive.`);
        continue;
      }
      const blob = await entry.blob();
      const hash = await hashOf(blob);
      if (hash !== was.sha256) problems.push(`${path} reads back with other bytes than were written.`);
      files.push({ path, bytes: blob.size, sha256: hash });
      if (!meant) continue;
      const found = await openSafetensors(blobSource(blob), path);
      for (const { name, shape } of meant) {
        const there = found.tensors.get(name);
        if (!there) problems.push(`${path} lacks ${name}.`);
        else if (there.shape.join() !== shape.join())
          problems.push(`${path}: ${name} has the shape [${there.shape.join(', ')}] instead of [${shape.join(', ')}].`);
        else tensors++;
      }
      const extra = found.tensors.size - meant.length;
      if (extra > 0) problems.push(`${path} has ${extra} tensors that do not belong there.`);
    }
    const extra = entries.filter((entry) => !this.#files.some(({ path }) => path === entry.path));
    for (const { path } of extra) problems.push(`${path} does not belong into the archive.`);
    return { files, tensors, modules: this.#modules(), problems };
  }

  /** Adapted modules, for an adapter: a pair of matrices each. */
  #modules(): number | null {
    const names = this.#files.flatMap(({ tensors = [] }) => tensors.map(({ name }) => name));
    const modules = new Set(names.flatMap((name) => name.match(/^(.+)\.lora_[AB]\b/)?.[1] ?? []));
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

async function hashOf(blob: Blob): Promise<string> {
  const hash = sha256.create();
  const reader = blob.stream().getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) hash.update(next.value);
  return bytesToHex(hash.digest());
}

export const nothingToCheck = (): GroundworkError =>
  new GroundworkError(
    'export-missing',
    'There is no export of this session to compare the file with.',
    'Write it again; it is checked right afterwards.',
  );
