/**
 * One file of a cached model. It is fetched in parts; beside it lies a journal with the hash of every part that is
 * there. An unfinished file has `.part` after its name, and gets its own when its whole contents have been compared
 * with the hash that the Hub gives. Whatever happens between two writes, the next opening finds what is good and what
 * is missing: parts are hashed again, and only those that differ from the journal are fetched again.
 */
import { sha1 } from '@noble/hashes/legacy.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import * as v from 'valibot';
import { GroundworkError } from '../base/error.ts';
import { isGone } from '../base/file-gone.ts';
import type { FileStore, FileWriter } from './file-store.ts';
import type { HubFile } from './hub-listing.ts';

/** Bytes fetched by one request and hashed together. */
export const PART_BYTES = 16 * 2 ** 20;

const Journal = v.object({
  version: v.literal(1),
  size: v.number(),
  partBytes: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  /** SHA-256 of each part that is there. */
  parts: v.array(v.nullable(v.string())),
  /** The whole was compared with the Hub's hash. */
  verified: v.boolean(),
});
type Journal = v.InferOutput<typeof Journal>;

export interface Part {
  readonly index: number;
  readonly offset: number;
  readonly length: number;
}

export interface InspectOptions {
  readonly partBytes?: number;
  /** Called as bytes are compared. */
  readonly onChecked?: (bytes: number) => void;
  readonly signal?: AbortSignal;
}

export const journalPath = (path: string): string => `${path}.parts.json`;
const unfinishedPath = (path: string): string => `${path}.part`;

export class CachedFile {
  readonly file: HubFile;
  /** Parts whose bytes did not agree with the journal when the file was opened. */
  damaged = 0;
  readonly #store: FileStore;
  readonly #path: string;
  #journal: Journal;
  /** True while the file has its own name. */
  #finished = false;
  #writer: Promise<FileWriter> | null = null;
  #finishing: Promise<void> | null = null;
  /** Journal writes follow each other. */
  #journalled: Promise<void> = Promise.resolve();

  private constructor(store: FileStore, folder: string, file: HubFile, partBytes: number) {
    this.#store = store;
    this.#path = `${folder}/${file.path}`;
    this.file = file;
    const parts = Array<null>(Math.ceil(file.size / partBytes)).fill(null);
    this.#journal = { version: 1, size: file.size, partBytes, parts, verified: false };
  }

  /** Looks at what is there. */
  static async open(
    store: FileStore,
    folder: string,
    file: HubFile,
    { partBytes = PART_BYTES, onChecked = () => {}, signal }: InspectOptions = {},
  ): Promise<CachedFile> {
    const cached = new CachedFile(store, folder, file, partBytes);
    await cached.#inspect(onChecked, signal);
    return cached;
  }

  get missing(): Part[] {
    return this.#parts().filter(({ index }) => this.#journal.parts[index] === null);
  }

  get presentBytes(): number {
    return this.file.size - this.missing.reduce((sum, { length }) => sum + length, 0);
  }

  /** True if all of it is there and was compared with the Hub's hash. */
  get complete(): boolean {
    return this.#finished && this.#journal.verified && this.missing.length === 0;
  }

  /** Keeps a part: on disk first, then in the journal. */
  async keep(part: Part, bytes: Uint8Array): Promise<void> {
    this.#writer ??= this.#store.open(unfinishedPath(this.#path));
    const writer = await this.#writer;
    await writer.write(part.offset, bytes);
    await writer.flush();
    this.#journal.parts[part.index] = await digest(bytes);
    await this.#writeJournal();
  }

  /**
   * Compares the whole with the Hub's hash and gives the file its own name.
   * @throws GroundworkError `hub-hash`: the bytes are not what the Hub promises; they are removed
   */
  finish(onHashed: (bytes: number) => void = () => {}, signal?: AbortSignal): Promise<void> {
    // Whoever keeps the last parts may ask at the same time.
    this.#finishing ??= this.#finish(onHashed, signal);
    return this.#finishing;
  }

  async #finish(onHashed: (bytes: number) => void, signal?: AbortSignal): Promise<void> {
    if (this.complete) return;
    if (!this.#finished) {
      this.#writer ??= this.#store.open(unfinishedPath(this.#path));
      const writer = await this.#writer;
      await writer.truncate(this.file.size);
      await writer.flush();
    }
    await this.close();
    const there = await this.#store.blob(this.#finished ? this.#path : unfinishedPath(this.#path));
    if (!there) throw this.#taken();
    const { agrees } = await this.#compareWhole(there, onHashed, signal);
    if (!agrees) {
      await this.forget();
      throw new GroundworkError(
        'hub-hash',
        `${this.file.path} was downloaded completely, but its hash differs from the Hub’s.`,
        'It was deleted, and the other files are kept. Load the model again. If it happens twice, the endpoint or something in between changes files.',
      );
    }
    this.#journal.verified = true;
    await this.#writeJournal();
    if (!this.#finished)
      await this.#store.rename(unfinishedPath(this.#path), this.#path).catch((error: unknown) => {
        throw isGone(error) ? this.#taken() : error;
      });
    this.#finished = true;
  }

  /** The file's contents; only when `complete`. */
  async blob(): Promise<Blob> {
    const there = await this.#store.blob(this.#path);
    if (!there) throw this.#taken();
    return there;
  }

  /** Somebody else had the same file under way, and was quicker. */
  #taken(): GroundworkError {
    return new GroundworkError(
      'storage-busy',
      `${this.file.path} was moved or removed while it was downloaded. Another program may download the same model into the same folder.`,
      'Wait for its end, then load the model again. What was downloaded is kept.',
    );
  }

  /** Removes what is there of it. */
  async forget(): Promise<void> {
    await this.close();
    await this.#store.remove(journalPath(this.#path));
    await this.#store.remove(unfinishedPath(this.#path));
    await this.#store.remove(this.#path);
  }

  /** Lets go of the file; what was kept stays. */
  async close(): Promise<void> {
    const writer = this.#writer;
    this.#writer = null;
    await (await writer)?.close();
  }

  async #inspect(onChecked: (bytes: number) => void, signal?: AbortSignal): Promise<void> {
    const finished = await this.#store.blob(this.#path);
    const blob = finished ?? (await this.#store.blob(unfinishedPath(this.#path)));
    this.#finished = finished !== null;
    if (!blob) return;
    const journal = await this.#readJournal();
    if (!journal) {
      // Nothing says which parts are good: either the whole is, or none.
      if (blob.size === this.file.size) {
        const { agrees, hashes } = await this.#compareWhole(blob, onChecked, signal);
        if (agrees) Object.assign(this.#journal, { parts: hashes, verified: true });
      }
      if (this.missing.length > 0) this.damaged = this.#journal.parts.length;
    } else {
      this.#journal = journal;
      for (const { index, offset, length } of this.#parts()) {
        const known = journal.parts[index];
        if (known === null) continue;
        signal?.throwIfAborted();
        const there = offset + length <= blob.size;
        if (!there || (await digest(await slice(blob, offset, length))) !== known) {
          journal.parts[index] = null;
          this.damaged++;
        }
        onChecked(length);
      }
    }
    const good = this.missing.length === 0 && blob.size === this.file.size;
    if (!good && this.#finished) {
      // A damaged file is an unfinished one again, under that name, until it is whole.
      await this.#store.rename(this.#path, unfinishedPath(this.#path));
      this.#finished = false;
      this.#journal.verified = false;
    }
    if (this.damaged > 0 || !journal) await this.#writeJournal();
    if (good && !this.#finished && this.#journal.verified) {
      await this.#store.rename(unfinishedPath(this.#path), this.#path);
      this.#finished = true;
    }
  }

  #parts(): Part[] {
    const { size, partBytes, parts } = this.#journal;
    return parts.map((_, index) => {
      const offset = index * partBytes;
      return { index, offset, length: Math.min(partBytes, size - offset) };
    });
  }

  async #readJournal(): Promise<Journal | null> {
    const text = await (await this.#store.blob(journalPath(this.#path)))?.text();
    const { success, output } = v.safeParse(v.pipe(v.string(), v.parseJson(), Journal), text);
    const fits =
      success && output.size === this.file.size && output.parts.length === Math.ceil(output.size / output.partBytes);
    return fits ? output : null;
  }

  #writeJournal(): Promise<void> {
    this.#journalled = this.#journalled
      .catch(() => {})
      .then(() => this.#store.writeText(journalPath(this.#path), JSON.stringify(this.#journal)));
    return this.#journalled;
  }

  /** One pass: the hashes of the parts, and whether the whole is what the Hub says (true where it says nothing). */
  async #compareWhole(
    blob: Blob,
    onHashed: (bytes: number) => void,
    signal?: AbortSignal,
  ): Promise<{ agrees: boolean; hashes: string[] }> {
    const { sha256: wanted, gitSha1 } = this.file;
    const whole = wanted !== null ? sha256.create() : sha1.create().update(utf8ToBytes(`blob ${blob.size}\0`));
    const hashes: string[] = [];
    for (const { offset, length } of this.#parts()) {
      signal?.throwIfAborted();
      const bytes = await slice(blob, offset, length);
      whole.update(bytes);
      hashes.push(await digest(bytes));
      onHashed(length);
    }
    const expected = wanted ?? gitSha1;
    return { agrees: expected === null || bytesToHex(whole.digest()) === expected, hashes };
  }
}

const slice = async (blob: Blob, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> =>
  new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());

/** SHA-256 by the browser, which has the processor's own instructions for it; not for streams, hence the library above. */
const digest = async (bytes: Uint8Array): Promise<string> =>
  bytesToHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)));
