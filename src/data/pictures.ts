/**
 * The pictures that rows use, by path: found among the files or inside a table, measured from their first bytes, and
 * compared by content. A picture costs its path and some forty bytes; none is decoded here.
 */
import { Column, HashIndex, TextSet } from '../base/columns.ts';
import { GroundworkError } from '../base/error.ts';
import { crc32 } from '../formats/crc32.ts';
import type { Size } from '../grounding/box.ts';
import { endsWell, FileEnds, readImageHeader, sizeComplaint, whyUnreadable, type ImageHeader } from '../image/size.ts';
import type { FileSet } from './file-set.ts';
import { ImageLookup, type Lookup } from './image-lookup.ts';
import { Looks } from './look-alikes.ts';
import { isDataFile } from './tables/open-tables.ts';
import { EMBEDDED, type Table } from './tables/table.ts';

/** Most headers end before; some carry a preview or a colour profile first. */
const HEAD = 4096;
const LONG_HEAD = 512 * 1024;

/** What is known of a picture's file beyond its beginning. */
const [UNKNOWN, WHOLE, BROKEN] = [0, 1, 2];

/** Found pictures have a path, under which they are opened. */
export type FoundPicture = { readonly ok: true; readonly path: string } | Exclude<Lookup, { ok: true }>;

export class Pictures {
  readonly #files: FileSet;
  readonly #lookup: ImageLookup;
  readonly #tables: ReadonlyMap<string, Table>;
  readonly #paths = new TextSet();
  /** 0 until measured; −1: cannot be. */
  readonly #width = new Column(Int32Array);
  readonly #height = new Column(Int32Array);
  /** EXIF orientation, 1–8. */
  readonly #orientation = new Column(Uint8Array);
  readonly #content = new Column(Uint32Array);
  readonly #fileSize = new Column(Float64Array);
  readonly #state = new Column(Uint8Array);
  /** Grows with every picture that is found broken. */
  broken = 0;
  /** The first picture with the same bytes: itself, mostly. */
  readonly #first = new Column(Int32Array);
  readonly #byContent = new HashIndex();
  readonly #contentOwner = new Column(Int32Array);
  /** What they look like, as far as it was asked. */
  readonly looks = new Looks();
  readonly #pending = new Map<number, Promise<Size | null>>();

  constructor(files: FileSet, tables: readonly Table[]) {
    this.#files = files;
    this.#lookup = new ImageLookup(files, (path) => !isDataFile(path));
    this.#tables = new Map(tables.map((table) => [table.file, table]));
  }

  get count(): number {
    return this.#paths.length;
  }

  get bytes(): number {
    return [
      this.#paths,
      this.#width,
      this.#height,
      this.#orientation,
      this.#content,
      this.#fileSize,
      this.#state,
      this.#first,
      this.#byContent,
      this.#contentOwner,
    ].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** The picture that a row of `dataFile` means. */
  find(reference: string, dataFile: string): FoundPicture {
    if (reference.startsWith(dataFile + EMBEDDED)) return { ok: true, path: reference };
    const found = this.#lookup.find(reference, dataFile);
    return found.ok ? { ok: true, path: this.#files.path(found.file) } : found;
  }

  /** A number for a path, from 0 in the order of first use. */
  number(path: string): number {
    const number = this.#paths.add(path);
    while (this.#width.length <= number) {
      this.#width.push(0);
      this.#height.push(0);
      this.#orientation.push(1);
      this.#content.push(0);
      this.#fileSize.push(0);
      this.#state.push(UNKNOWN);
      this.#first.push(this.#first.length);
    }
    return number;
  }

  path(picture: number): string {
    return this.#paths.get(picture);
  }

  /** The first picture with the same content. Of measured pictures. */
  sameAs(picture: number): number {
    return this.#first.get(picture);
  }

  /**
   * Whether a picture's file is cut off or damaged, as far as it is known: of measured pictures outside of zips; of
   * those in zips, which would have to be unpacked, once they were opened or checked.
   */
  isBroken(picture: number): boolean {
    return this.#state.get(picture) === BROKEN;
  }

  isChecked(picture: number): boolean {
    return this.#state.get(picture) !== UNKNOWN;
  }

  /** Reads a measured picture's file to its end, if that is still to be done. Throws `file-unreadable`. */
  async check(picture: number): Promise<void> {
    if (this.isChecked(picture)) return;
    const file = this.#files.find(this.path(picture));
    try {
      const ends = new FileEnds();
      await this.#files.readThrough(file, (piece) => ends.take(piece));
      this.#judge(picture, ends.endsWell);
    } catch (error) {
      this.#judgeFailure(picture, error);
    }
  }

  #judge(picture: number, well: boolean): void {
    if (!well && !this.isBroken(picture)) this.broken++;
    this.#state.set(picture, well ? WHOLE : BROKEN);
  }

  /** A damaged entry is what was looked for; any other failure says nothing of the picture. */
  #judgeFailure(picture: number, error: unknown): void {
    if (!(error instanceof GroundworkError && error.code === 'zip-entry-damaged')) throw error;
    this.#judge(picture, false);
  }

  fileSize(picture: number): number {
    return this.#fileSize.get(picture);
  }

  /** Why a picture could not be measured, and what to do. */
  async complaint(path: string): Promise<{ readonly reason: string; readonly fix: string }> {
    try {
      return await whyUnreadable(await this.open(path));
    } catch (error) {
      if (!(error instanceof GroundworkError)) throw error;
      return { reason: `cannot be opened: ${error.message}`, fix: error.hint };
    }
  }

  /** Size as shown, from the first bytes; null if the file is none of the kinds that are read. */
  async measure(path: string): Promise<Size | null> {
    const picture = this.number(path);
    const width = this.#width.get(picture);
    if (width !== 0) return width > 0 ? { width, height: this.#height.get(picture) } : null;
    let pending = this.#pending.get(picture);
    if (!pending) {
      pending = this.#measure(picture, path).finally(() => this.#pending.delete(picture));
      this.#pending.set(picture, pending);
    }
    return pending;
  }

  /** Size as shown and how it is turned; null as with `measure`. */
  async facts(path: string): Promise<{ readonly shown: Size; readonly orientation: number } | null> {
    const shown = await this.measure(path);
    return shown && { shown, orientation: this.#orientation.get(this.number(path)) };
  }

  async #measure(picture: number, path: string): Promise<Size | null> {
    const file = this.#files.find(path);
    let header: ImageHeader | null = null;
    try {
      // A picture in a row is decoded to be opened: once, for all that is looked at.
      const embedded = file >= 0 ? null : await this.open(path);
      const head = embedded
        ? new Uint8Array(await embedded.slice(0, HEAD).arrayBuffer())
        : await this.#files.head(file, HEAD);
      const whole = embedded ? embedded.size : await this.#files.size(file);
      header = await readImageHeader(head);
      const sample = embedded ? null : this.#files.checksum(file);
      const content = sample ?? crc32(head);
      if (!header && whole > HEAD) {
        header = await readImageHeader(embedded ?? (await this.#files.head(file, LONG_HEAD)));
        if (!header && whole > LONG_HEAD) header = await readImageHeader(embedded ?? (await this.open(path)));
      }
      this.#content.set(picture, content);
      this.#fileSize.set(picture, whole);
      if (header && sample === null) this.#judge(picture, await endsWell(embedded ?? (await this.open(path))));
      await this.#compare(picture, content, whole, sample !== null);
    } catch (error) {
      if (!(error instanceof GroundworkError)) throw error;
    }
    const size = header && (sizeComplaint(header.size)?.usable ?? true) ? header.size : null;
    this.#orientation.set(picture, header?.orientation ?? 1);
    this.#width.set(picture, size ? size.width : -1);
    this.#height.set(picture, size ? size.height : -1);
    return size;
  }

  /** Looks for an earlier picture of the same bytes: size and checksum; without a checksum of the whole, both ends. */
  async #compare(picture: number, content: number, size: number, whole: boolean): Promise<void> {
    for (const i of this.#byContent.find(content)) {
      const other = this.#contentOwner.get(i);
      if (this.#fileSize.get(other) !== size) continue;
      if (!whole && size > HEAD && (await this.#end(other)) !== (await this.#end(picture))) continue;
      this.#first.set(picture, this.#first.get(other));
      return;
    }
    this.#byContent.add(content);
    this.#contentOwner.push(picture);
  }

  async #end(picture: number): Promise<number> {
    const blob = await this.open(this.path(picture));
    return crc32(new Uint8Array(await blob.slice(-HEAD).arrayBuffer()));
  }

  /** A picture's file. Throws `image-missing`. */
  async open(path: string): Promise<Blob> {
    const file = this.#files.find(path);
    if (file >= 0) return this.#openFile(path, file);
    const table = this.#tables.get(path.slice(0, path.lastIndexOf(EMBEDDED)));
    if (table?.picture) return table.picture(path);
    throw new GroundworkError(
      'image-missing',
      `The dataset has no picture ${path}.`,
      'Open the dataset again with its pictures.',
    );
  }

  /** What is found broken on the way is remembered. */
  async #openFile(path: string, file: number): Promise<Blob> {
    const picture = this.#paths.find(path);
    if (picture < 0 || this.isChecked(picture) || this.#files.checksum(file) === null) return this.#files.open(file);
    try {
      const blob = await this.#files.open(file);
      // That it ends well is not all: a stored entry's checksum was not looked at.
      if (!(await endsWell(blob))) this.#judge(picture, false);
      return blob;
    } catch (error) {
      if (this.#width.get(picture) > 0) this.#judgeFailure(picture, error);
      throw error;
    }
  }
}
