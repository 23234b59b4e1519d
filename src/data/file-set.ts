/**
 * What the user gave, as one flat set of files by path: folders walked, archives opened in place, their entries unpacked
 * when asked for. A file costs its path and some thirty bytes; nothing is opened before it is needed.
 */
import { Column, HashIndex, textHash, TextSet } from '../base/columns.ts';
import { GroundworkError } from '../base/error.ts';
import { Lru } from '../base/lru.ts';
import { blobSource, blockwise, type Bytes, type ByteSource } from '../formats/byte-source.ts';
import { gunzip, HARMLESS_BYTES, SWELLING_FIX, swellingReason, swells } from '../formats/expansion.ts';
import { readTar } from '../formats/tar.ts';
import { looksLikeZip, readEntry, readEntryHead, readEntryThrough } from '../formats/zip.ts';
import { readDirectory } from '../formats/zip-directory.ts';
import type { RowIssue } from './row.ts';

/** What belongs to a dataset that was added to another one. */
interface Added {
  /** Of the how manieth addition it is; absent: of the dataset that was opened first. */
  readonly added?: number;
}

/** A file or folder with its path inside the dataset (or its name). */
export interface NamedFile extends Added {
  readonly path: string;
  readonly file: Blob;
}

/** A file or folder of the user's disk, read in place; the root folder's own path is ''. */
export interface NamedHandle extends Added {
  readonly path: string;
  readonly handle: FileSystemFileHandle | FileSystemDirectoryHandle;
}

export type Source = NamedFile | NamedHandle;

const JUNK = /(?:^|\/)(?:__MACOSX\/|\.|Thumbs\.db$|desktop\.ini$)/i;
/** What is opened in place: zips, tars, and single files packed with gzip. */
const PACKED = /\.(?:zip|tar|tgz|gz)$/i;
/** Packed with gzip, other files are left as they are. */
const PACKED_ROWS = /\.(?:json|jsonl|ndjson|csv|tsv|txt|xml|tar)\.gz$|\.tgz$/i;
const MAX_NESTING = 3;
/** Bytes up to which entries of a zip are read together with those that follow. */
const NEIGHBOUR = 32 * 1024;

export const fileIssue = (
  file: string,
  reason: string,
  fix: string,
  severity: RowIssue['severity'] = 'error',
): RowIssue => ({ file, line: 0, field: '', reason, fix, severity });

type Container =
  | { readonly kind: 'blob'; readonly blob: Blob }
  | { readonly kind: 'file'; readonly handle: FileSystemFileHandle }
  | { readonly kind: 'folder'; readonly handle: FileSystemDirectoryHandle }
  | { readonly kind: 'tar'; readonly archive: Blob }
  | { readonly kind: 'zip'; readonly archive: Blob; readonly source: ByteSource; readonly blocks: ByteSource };

/** Names that differ in case, or in how accents are encoded (macOS writes them apart), are alike. */
export const alike = (text: string): string => text.normalize('NFC').toLowerCase();

const lastPart = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

export class FileSet {
  readonly issues: RowIssue[] = [];
  readonly #paths = new TextSet();
  readonly #byName = new HashIndex();
  readonly #containers: Container[] = [];
  readonly #container = new Column(Uint32Array);
  /** Bytes; −1 until it was opened. */
  readonly #size = new Column(Float64Array);
  // Of entries of archives.
  readonly #packedSize = new Column(Float64Array);
  readonly #offset = new Column(Float64Array);
  readonly #crc = new Column(Uint32Array);
  readonly #deflated = new Column(Uint8Array);
  /** Files of folders whose size was asked for lately: opening one is a message to another process. */
  readonly #opened = new Lru<number, Blob>(256);

  get count(): number {
    return this.#paths.length;
  }

  /** Bytes held for all files. */
  get bytes(): number {
    return [
      this.#paths,
      this.#byName,
      this.#container,
      this.#size,
      this.#packedSize,
      this.#offset,
      this.#crc,
      this.#deflated,
    ].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  path(file: number): string {
    return this.#paths.get(file);
  }

  /** −1 if there is none. */
  find(path: string): number {
    return this.#paths.find(path);
  }

  /** Files whose name is that of `path`, whatever the case of its letters. */
  named(path: string): number[] {
    const wanted = alike(lastPart(path));
    return [...this.#byName.find(textHash(wanted))].filter((i) => alike(lastPart(this.path(i))) === wanted).reverse();
  }

  /** A checksum of the content that costs nothing: that of a zip's directory; null elsewhere. */
  checksum(file: number): number | null {
    return this.#containers[this.#container.get(file)]!.kind === 'zip' ? this.#crc.get(file) : null;
  }

  /** Bytes, of a file of a folder after opening it. */
  async size(file: number): Promise<number> {
    return this.#size.get(file) >= 0 ? this.#size.get(file) : (await this.open(file)).size;
  }

  /** Throws `zip-entry-damaged`, `file-unreadable`. */
  async open(file: number): Promise<Blob> {
    const container = this.#containers[this.#container.get(file)]!;
    if (container.kind === 'zip') return readEntry(container.archive, this.#entry(file));
    return this.#plain(file, container);
  }

  /** The first bytes, at most `length`: not as a Blob, which costs a message to another process, and reading it one more. */
  async head(file: number, length: number): Promise<Bytes> {
    const container = this.#containers[this.#container.get(file)]!;
    if (container.kind !== 'zip') {
      const blob = await this.#plain(file, container);
      return blobSource(blob).read(0, Math.min(length, blob.size));
    }
    const entry = this.#entry(file);
    // Small neighbours come with one read; of large ones only the beginning is wanted.
    const source = entry.compressedSize <= NEIGHBOUR ? container.blocks : container.source;
    return readEntryHead(source, entry, length);
  }

  /** Reads a zip's entry to its end against its checksum; other files have none. Throws `zip-entry-damaged`. */
  async readThrough(file: number, take: (piece: Uint8Array) => void): Promise<void> {
    const container = this.#containers[this.#container.get(file)]!;
    if (container.kind === 'zip') await readEntryThrough(container.archive, this.#entry(file), take);
  }

  async #plain(file: number, container: Exclude<Container, { kind: 'zip' }>): Promise<Blob> {
    if (container.kind === 'blob') return container.blob;
    if (container.kind === 'tar')
      return container.archive.slice(this.#offset.get(file), this.#offset.get(file) + this.#size.get(file));
    const known = this.#opened.get(file);
    if (known) return known;
    try {
      const handle =
        container.kind === 'file' ? container.handle : await container.handle.getFileHandle(lastPart(this.path(file)));
      const blob = await handle.getFile();
      this.#size.set(file, blob.size);
      this.#opened.set(file, blob);
      return blob;
    } catch (cause) {
      throw new GroundworkError(
        'file-unreadable',
        `${this.path(file)} cannot be read any more.`,
        'It may have been moved or deleted since you chose it, or the browser needs your permission again. Open the dataset again.',
        { cause },
      );
    }
  }

  #entry(file: number) {
    return {
      path: this.path(file),
      method: this.#deflated.get(file) ? ('deflate' as const) : ('stored' as const),
      size: this.#size.get(file),
      compressedSize: this.#packedSize.get(file),
      crc32: this.#crc.get(file),
      headerOffset: this.#offset.get(file),
    };
  }

  /** Adds what was given. `tell` hears how many files were found so far. Bad archives become issues. */
  async add(sources: readonly Source[], tell: (files: number) => void = () => undefined): Promise<void> {
    // What is added later changes no path of what was there.
    const [first, ...others] = sources.filter(({ added }) => !added);
    for (const source of sources) {
      const alone = source === first && others.length === 0;
      const path = source.path.replaceAll('\\', '/').replace(/^(?:\.?\/)+/, '');
      if ('file' in source) await this.#addBlob(path, source.file, alone);
      else if (source.handle.kind === 'directory') await this.#addFolder(path, source.handle, tell);
      else await this.#addHandle(path, source.handle, alone);
      tell(this.count);
    }
  }

  async #addFolder(path: string, folder: FileSystemDirectoryHandle, tell: (files: number) => void): Promise<void> {
    const here = this.#containers.push({ kind: 'folder', handle: folder }) - 1;
    for await (const [name, handle] of folder.entries()) {
      const inside = path === '' ? name : `${path}/${name}`;
      if (JUNK.test(handle.kind === 'directory' ? `${inside}/` : inside)) continue;
      if (handle.kind === 'directory') await this.#addFolder(inside, handle as FileSystemDirectoryHandle, tell);
      else if (PACKED.test(name)) await this.#addHandle(inside, handle as FileSystemFileHandle, false);
      else this.#register(inside, here, -1);
      if (this.count % 1000 === 0) tell(this.count);
    }
  }

  async #addHandle(path: string, handle: FileSystemFileHandle, alone: boolean): Promise<void> {
    if (JUNK.test(path)) return;
    const blob = await handle.getFile();
    if (await this.#addPacked(path, blob, alone, 0)) return;
    this.#register(path, this.#containers.push({ kind: 'file', handle }) - 1, blob.size);
  }

  async #addBlob(path: string, blob: Blob, alone: boolean): Promise<void> {
    if (JUNK.test(path) || (await this.#addPacked(path, blob, alone, 0))) return;
    this.#register(path, this.#containers.push({ kind: 'blob', blob }) - 1, blob.size);
  }

  /** Opens an archive in place; false if it is none. `alone`: nothing else was given, so it needs no folder of its own. */
  async #addPacked(path: string, blob: Blob, alone: boolean, depth: number): Promise<boolean> {
    const folder = alone ? '' : folderOf(path);
    // By its name or its content: a renamed archive is one all the same.
    const mayBeZip = /\.zip$/i.test(path) || alone || !/\.[a-z]{3,5}$/i.test(path);
    if (/\.zip$/i.test(path) || (mayBeZip && (await looksLikeZip(blob)))) await this.#addZip(path, blob, folder, depth);
    else if (/\.tar$/i.test(path)) await this.#addTar(path, blob, folder, depth);
    else if (PACKED_ROWS.test(path)) await this.#addGzip(path, blob, folder, depth);
    else return false;
    return true;
  }

  /** A file packed with gzip takes the place of its archive: `train.jsonl.gz` gives `train.jsonl`. */
  async #addGzip(label: string, packed: Blob, folder: string, depth: number): Promise<void> {
    const inner = label.replace(/\.tgz$/i, '.tar').replace(/\.gz$/i, '');
    try {
      const blob = await gunzip(packed, label);
      if (/\.tar$/i.test(inner)) await this.#addTar(label, blob, folder, depth);
      else this.#register(inner, this.#containers.push({ kind: 'blob', blob }) - 1, blob.size);
    } catch (error) {
      this.#complain(label, error);
    }
  }

  async #addTar(label: string, archive: Blob, folder: string, depth: number): Promise<void> {
    const here = this.#containers.push({ kind: 'tar', archive }) - 1;
    const nested: number[] = [];
    try {
      await readTar(
        blockwise(blobSource(archive)),
        ({ path, offset, size }) => {
          const entry = { method: 'stored' as const, compressedSize: size, crc32: 0, headerOffset: offset };
          const file = JUNK.test(folder + path) ? null : this.#register(folder + path, here, size, entry);
          if (file !== null && PACKED.test(path)) nested.push(file);
        },
        (entry) => this.#refuse(label, entry),
        label,
      );
    } catch (error) {
      this.#complain(label, error);
    }
    await this.#addNested(nested, depth);
  }

  async #addNested(files: readonly number[], depth: number): Promise<void> {
    for (const file of files) {
      const path = this.path(file);
      if (depth + 1 >= MAX_NESTING)
        this.issues.push(
          fileIssue(path, `archives are nested more than ${MAX_NESTING} deep`, 'Unpack the outer ones.'),
        );
      else
        try {
          await this.#addPacked(path, await this.open(file), false, depth + 1);
        } catch (error) {
          this.#complain(path, error);
        }
    }
  }

  #refuse(label: string, { path, reason }: { readonly path: string; readonly reason: string }): void {
    this.issues.push(fileIssue(`${label}/${path}`, reason, 'Unpack the archive yourself and drop the folder.'));
  }

  #complain(label: string, error: unknown): void {
    if (!(error instanceof GroundworkError)) throw error;
    this.issues.push(fileIssue(label, error.message, error.hint));
  }

  /** A zip's entries take the zip's place: `data/images.zip` containing `a.png` gives `data/images/a.png`. */
  async #addZip(label: string, archive: Blob, folder: string, depth: number): Promise<void> {
    const source = blobSource(archive);
    const here = this.#containers.push({ kind: 'zip', archive, source, blocks: blockwise(source) }) - 1;
    const nested: number[] = [];
    let swelling = 0;
    try {
      await readDirectory(
        source,
        (entry) => {
          const path = folder + entry.path;
          if (JUNK.test(path)) return;
          if (swells(entry.compressedSize, entry.size)) swelling += entry.size;
          if (swells(entry.compressedSize, entry.size) && swelling > HARMLESS_BYTES)
            return void this.issues.push(fileIssue(path, swellingReason(entry.size), SWELLING_FIX));
          const file = this.#register(path, here, entry.size, entry);
          if (file !== null && PACKED.test(path)) nested.push(file);
        },
        (entry) => this.#refuse(label, entry),
        label,
        (encoding, example) =>
          this.issues.push(
            fileIssue(
              label,
              `its names are not UTF-8 and are read as ${encoding}: “${example}”`,
              'If names look wrong, pack it again with UTF-8 names, or unpack it and drop the folder.',
              'warning',
            ),
          ),
      );
    } catch (error) {
      this.#complain(label, error);
    }
    await this.#addNested(nested, depth);
  }

  /** Two with one path: the first is kept, the second reported. */
  #register(
    path: string,
    container: number,
    size: number,
    entry?: { method: 'stored' | 'deflate'; compressedSize: number; crc32: number; headerOffset: number },
  ): number | null {
    if (this.#paths.find(path) >= 0) {
      this.issues.push(fileIssue(path, 'two files have this path', 'Drop them in different folders.', 'warning'));
      return null;
    }
    const file = this.#paths.add(path);
    this.#byName.add(textHash(alike(lastPart(path))));
    this.#container.push(container);
    this.#size.push(size);
    this.#packedSize.push(entry?.compressedSize ?? 0);
    this.#offset.push(entry?.headerOffset ?? 0);
    this.#crc.push(entry?.crc32 ?? 0);
    this.#deflated.push(entry?.method === 'deflate' ? 1 : 0);
    return file;
  }

  /** What tells these files from others: FNV-1a over paths and sizes. The same files give the same number. */
  get fingerprint(): string {
    let h = 0x811c9dc5;
    for (let i = 0; i < this.count; i++) h = textHash(`${this.path(i)}:${this.#size.get(i)}\n`, h);
    return h.toString(16).padStart(8, '0');
  }
}

const folderOf = (archive: string): string => `${archive.replace(/\.(?:zip|tar|tgz|tar\.gz|gz)$/i, '')}/`;
