/**
 * What the user gave, as one flat set of files by path: folders walked, zips opened in place, their entries unpacked
 * when asked for. A file costs its path and some thirty bytes; nothing is opened before it is needed.
 */
import { Column, HashIndex, textHash, TextSet } from '../base/columns.ts';
import { GroundworkError } from '../base/error.ts';
import { Lru } from '../base/lru.ts';
import { blobSource, blockwise, type ByteSource } from '../formats/byte-source.ts';
import { looksLikeZip, readEntry, readEntryHead, readEntryThrough } from '../formats/zip.ts';
import { readDirectory } from '../formats/zip-directory.ts';
import type { RowIssue } from './row.ts';

/** A file or folder with its path inside the dataset (or its name). */
export interface NamedFile {
  readonly path: string;
  readonly file: Blob;
}

/** A file or folder of the user's disk, read in place; the root folder's own path is ''. */
export interface NamedHandle {
  readonly path: string;
  readonly handle: FileSystemFileHandle | FileSystemDirectoryHandle;
}

export type Source = NamedFile | NamedHandle;

const JUNK = /(?:^|\/)(?:__MACOSX\/|\.|Thumbs\.db$|desktop\.ini$)/i;
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
  | { readonly kind: 'zip'; readonly archive: Blob; readonly source: ByteSource; readonly blocks: ByteSource };

/** Names that differ in case, or in how accents are encoded (macOS writes them apart), are alike. */
export const alike = (text: string): string => text.normalize('NFC').toLowerCase();

const lastPart = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** The last two parts of a path, in lower case. */
export const tailKey = (path: string): string => path.slice(path.lastIndexOf('/', path.lastIndexOf('/') - 1) + 1);

export class FileSet {
  readonly issues: RowIssue[] = [];
  readonly #paths = new TextSet();
  readonly #byName = new HashIndex();
  readonly #byTail = new HashIndex();
  readonly #containers: Container[] = [];
  readonly #container = new Column(Uint32Array);
  /** Bytes; −1 until it was opened. */
  readonly #size = new Column(Float64Array);
  // Of zip entries.
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
      this.#byTail,
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
    return this.#like(this.#byName, path, lastPart);
  }

  /** As `named`, with the folder that they lie in. */
  namedInFolder(path: string): number[] {
    return this.#like(this.#byTail, path, tailKey);
  }

  #like(index: HashIndex, path: string, part: (path: string) => string): number[] {
    const wanted = alike(part(path));
    return [...index.find(textHash(wanted))].filter((i) => alike(part(this.path(i))) === wanted).reverse();
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

  /** The first bytes, at most `length`. */
  async head(file: number, length: number): Promise<Blob> {
    const container = this.#containers[this.#container.get(file)]!;
    if (container.kind !== 'zip') return (await this.#plain(file, container)).slice(0, length);
    const entry = this.#entry(file);
    // Small neighbours come with one read; of large ones only the beginning is wanted.
    const source = entry.compressedSize <= NEIGHBOUR ? container.blocks : container.source;
    return new Blob([await readEntryHead(source, entry, length)]);
  }

  /** Reads a zip's entry to its end against its checksum; other files have none. Throws `zip-entry-damaged`. */
  async readThrough(file: number, take: (piece: Uint8Array) => void): Promise<void> {
    const container = this.#containers[this.#container.get(file)]!;
    if (container.kind === 'zip') await readEntryThrough(container.archive, this.#entry(file), take);
  }

  async #plain(file: number, container: Exclude<Container, { kind: 'zip' }>): Promise<Blob> {
    if (container.kind === 'blob') return container.blob;
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
        `${this.path(file)} could not be read.`,
        'It may have been moved or deleted since it was chosen, or the browser asks for permission again: open the dataset again.',
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
    for (const source of sources) {
      const path = source.path.replaceAll('\\', '/').replace(/^(?:\.?\/)+/, '');
      if ('file' in source) await this.#addBlob(path, source.file, sources.length === 1);
      else if (source.handle.kind === 'directory') await this.#addFolder(path, source.handle, tell);
      else await this.#addHandle(path, source.handle, sources.length === 1);
      tell(this.count);
    }
  }

  async #addFolder(path: string, folder: FileSystemDirectoryHandle, tell: (files: number) => void): Promise<void> {
    const here = this.#containers.push({ kind: 'folder', handle: folder }) - 1;
    for await (const [name, handle] of folder.entries()) {
      const inside = path === '' ? name : `${path}/${name}`;
      if (JUNK.test(handle.kind === 'directory' ? `${inside}/` : inside)) continue;
      if (handle.kind === 'directory') await this.#addFolder(inside, handle as FileSystemDirectoryHandle, tell);
      else if (/\.zip$/i.test(name)) await this.#addHandle(inside, handle as FileSystemFileHandle, false);
      else this.#register(inside, here, -1);
      if (this.count % 1000 === 0) tell(this.count);
    }
  }

  async #addHandle(path: string, handle: FileSystemFileHandle, alone: boolean): Promise<void> {
    if (JUNK.test(path)) return;
    const blob = await handle.getFile();
    if (await looksLikeZip(blob)) return this.#addZip(path, blob, alone ? '' : folderOf(path), 0);
    this.#register(path, this.#containers.push({ kind: 'file', handle }) - 1, blob.size);
  }

  async #addBlob(path: string, blob: Blob, alone: boolean): Promise<void> {
    if (JUNK.test(path)) return;
    // By its name or its content: a renamed archive is one all the same.
    if (
      /\.zip$/i.test(path) ||
      (!/\.[a-z]{3,5}$/i.test(path) && (await looksLikeZip(blob))) ||
      (alone && (await looksLikeZip(blob)))
    )
      return this.#addZip(path, blob, alone ? '' : folderOf(path), 0);
    this.#register(path, this.#containers.push({ kind: 'blob', blob }) - 1, blob.size);
  }

  /** A zip's entries take the zip's place: `data/images.zip` containing `a.png` gives `data/images/a.png`. */
  async #addZip(label: string, archive: Blob, folder: string, depth: number): Promise<void> {
    if (depth >= MAX_NESTING) {
      this.issues.push(fileIssue(label, `zips are nested more than ${MAX_NESTING} deep`, 'Unpack the outer ones.'));
      return;
    }
    const source = blobSource(archive);
    const here = this.#containers.push({ kind: 'zip', archive, source, blocks: blockwise(source) }) - 1;
    const nested: number[] = [];
    try {
      await readDirectory(
        source,
        (entry) => {
          const path = folder + entry.path;
          if (JUNK.test(path)) return;
          const file = this.#register(path, here, entry.size, entry);
          if (file !== null && /\.zip$/i.test(path)) nested.push(file);
        },
        ({ path, reason }) =>
          this.issues.push(fileIssue(`${label}/${path}`, reason, 'Unpack the archive yourself and drop the folder.')),
        label,
      );
      for (const file of nested)
        await this.#addZip(this.path(file), await this.open(file), folderOf(this.path(file)), depth + 1);
    } catch (error) {
      if (!(error instanceof GroundworkError)) throw error;
      this.issues.push(fileIssue(label, error.message, error.hint));
    }
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
    this.#byTail.add(textHash(alike(tailKey(path))));
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

const folderOf = (zip: string): string => `${zip.replace(/\.zip$/i, '')}/`;
