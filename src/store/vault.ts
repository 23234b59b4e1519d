/**
 * Numbered files that are there whole or not at all. The bytes go to a file that nobody looks for, reach the disk, and
 * take their name; then a small commit record with their checksum makes them count. Whatever a crash leaves behind
 * without a record is swept away. What was damaged since is found by its checksum, and the one before is used.
 */
import { GroundworkError } from '../base/error.ts';
import { gathered } from '../base/gathered.ts';
import { BlockDigest, BLOCK_BYTES, textDigest } from './digest.ts';
import type { FileStore } from './file-store.ts';

/** A commit record. `about` is the owner's: small, plain data. */
export interface VaultEntry<About> {
  readonly id: number;
  readonly bytes: number;
  readonly digest: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly about: About;
}

export interface Newest<About> {
  readonly entry: VaultEntry<About> | null;
  readonly file: Blob | null;
  /** Newer ones that cannot be used. */
  readonly damaged: readonly VaultEntry<About>[];
  /** Newer ones of which not even the record can be read: what they were is not known, and they are left alone. */
  readonly unreadable: number;
}

export class Vault<About> {
  readonly #files: FileStore;
  readonly #folder: string;
  #nextId: number | null = null;

  /** @param folder of its own in `files` */
  constructor(files: FileStore, folder: string) {
    this.#files = files;
    this.#folder = folder;
  }

  /** Newest first. A record that cannot be read counts as none. */
  async entries(): Promise<VaultEntry<About>[]> {
    const entries: VaultEntry<About>[] = [];
    for (const { path } of await this.#own()) {
      if (!path.endsWith('.json')) continue;
      const entry = await this.#entry(path);
      if (entry) entries.push(entry);
    }
    return entries.sort((a, b) => b.id - a.id);
  }

  /** Throws `storage-full` and what else the storage throws; then nothing has changed. */
  async write(chunks: AsyncIterable<Uint8Array>, about: About): Promise<VaultEntry<About>> {
    const id = await this.#claim();
    const path = this.#path(id);
    const digest = new BlockDigest();
    try {
      const writer = await this.#files.open(`${path}.new`);
      try {
        for await (const chunk of gathered(chunks)) {
          await writer.write(digest.bytes, chunk);
          await digest.add(chunk);
        }
        await writer.flush();
      } finally {
        await writer.close();
      }
      await this.#files.rename(`${path}.new`, `${path}.bin`);
      const entry = { id, bytes: digest.bytes, digest: await digest.finish(), at: Date.now(), about };
      await this.#files.writeText(`${path}.json`, await seal(entry));
      return entry;
    } catch (error) {
      for (const end of ['.new', '.bin', '.json']) await this.#files.remove(path + end).catch(() => undefined);
      throw error;
    }
  }

  /** The file if it is what was written, else null. */
  async read({ id, bytes, digest }: VaultEntry<About>): Promise<Blob | null> {
    const file = await this.#files.blob(`${this.#path(id)}.bin`);
    if (!file || file.size !== bytes) return null;
    const found = new BlockDigest();
    try {
      for (let at = 0; at < bytes; at += BLOCK_BYTES)
        await found.add(new Uint8Array(await file.slice(at, at + BLOCK_BYTES).arrayBuffer()));
    } catch {
      return null; // the disk refuses to read it
    }
    return (await found.finish()) === digest ? file : null;
  }

  /** The newest that is sound. */
  async newest(): Promise<Newest<About>> {
    const damaged: VaultEntry<About>[] = [];
    const unreadable = await this.#unreadable();
    for (const entry of await this.entries()) {
      const file = await this.read(entry);
      if (file) return { entry, file, damaged, unreadable: unreadable.filter((id) => id > entry.id).length };
      damaged.push(entry);
    }
    return { entry: null, file: null, damaged, unreadable: unreadable.length };
  }

  async remove(id: number): Promise<void> {
    // The record first: without it the bytes count for nothing.
    await this.#files.remove(`${this.#path(id)}.json`);
    await this.#files.remove(`${this.#path(id)}.bin`);
  }

  /** Removes what was never committed, but nothing whose record was damaged since. Returns the bytes freed. */
  async sweep(): Promise<number> {
    const kept = new Set(
      [...(await this.entries()).map(({ id }) => id), ...(await this.#unreadable())].flatMap((id) => [
        `${this.#path(id)}.bin`,
        `${this.#path(id)}.json`,
      ]),
    );
    let freed = 0;
    for (const { path, size } of await this.#own())
      if (!kept.has(path)) {
        await this.#files.remove(path);
        freed += size;
      }
    return freed;
  }

  async #entry(path: string): Promise<VaultEntry<About> | null> {
    const text = await this.#files.blob(path).then((blob) => blob?.text());
    return parse<About>(text);
  }

  /** Ids of records that are there and cannot be read. A record is written whole: it was damaged later. */
  async #unreadable(): Promise<number[]> {
    const ids: number[] = [];
    for (const { path } of await this.#own())
      if (path.endsWith('.json') && !(await this.#entry(path))) ids.push(Number(/(\d+)\.json$/.exec(path)?.[1] ?? NaN));
    return ids.filter((id) => !Number.isNaN(id));
  }

  async #own() {
    return (await this.#files.list()).filter(({ path }) => path.startsWith(`${this.#folder}/`));
  }

  #path(id: number): string {
    return `${this.#folder}/${String(id).padStart(6, '0')}`;
  }

  /** Ids are never used twice, not even of what was damaged or left behind. */
  async #claim(): Promise<number> {
    this.#nextId ??=
      Math.max(-1, ...(await this.#own()).map(({ path }) => Number(/(\d+)\.[a-z]+$/.exec(path)?.[1] ?? -1))) + 1;
    return this.#nextId++;
  }
}

/** The record with a digest of itself. */
const seal = async (entry: VaultEntry<unknown>): Promise<string> =>
  JSON.stringify({ ...entry, seal: await textDigest(JSON.stringify(entry)) });

/** Null for what is no record, or another one than was written. Those of older versions have no seal. */
async function parse<About>(text: string | undefined): Promise<VaultEntry<About> | null> {
  try {
    const { seal: sealed, ...entry } = JSON.parse(text ?? '') as Partial<VaultEntry<About>> & {
      readonly seal?: string;
    };
    if (sealed !== undefined && sealed !== (await textDigest(JSON.stringify(entry)))) return null;
    const sound = Number.isSafeInteger(entry.id) && typeof entry.digest === 'string' && typeof entry.bytes === 'number';
    return sound ? (entry as VaultEntry<About>) : null;
  } catch {
    return null;
  }
}

export const isStorageFull = (error: unknown): boolean =>
  error instanceof GroundworkError && error.code === 'storage-full';
