/**
 * A file on disk as a Blob that is read when asked for. Node 20's openAsBlob keeps sizes and offsets in 32 bits: of a
 * file beyond 4 GiB it sees the rest of the division.
 */
import { closeSync, createReadStream, fstatSync, openSync, read } from 'node:fs';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';

const readAt = promisify(read);

interface OpenFile {
  readonly path: string;
  readonly descriptor: number;
}

/** The file is closed when no Blob of it is left. */
const closing = new FinalizationRegistry<number>((descriptor) => closeSync(descriptor));

class FileBlob extends Blob {
  readonly #file: OpenFile;
  readonly #start: number;
  readonly #end: number;

  constructor(file: OpenFile, start: number, end: number) {
    super();
    this.#file = file;
    this.#start = start;
    this.#end = end;
  }

  override get size(): number {
    return this.#end - this.#start;
  }

  override slice(start = 0, end = this.size): Blob {
    const clamp = (at: number) => this.#start + Math.min(this.size, Math.max(0, at < 0 ? this.size + at : at));
    return new FileBlob(this.#file, clamp(start), Math.max(clamp(start), clamp(end)));
  }

  override async arrayBuffer(): Promise<ArrayBuffer> {
    const bytes = new Uint8Array(this.size);
    for (let done = 0; done < bytes.length;) {
      const { bytesRead } = await readAt(this.#file.descriptor, bytes, done, bytes.length - done, this.#start + done);
      if (bytesRead === 0) throw new Error(`${this.#file.path} has become shorter`);
      done += bytesRead;
    }
    return bytes.buffer;
  }

  override async text(): Promise<string> {
    return new TextDecoder().decode(await this.arrayBuffer());
  }

  override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const { path } = this.#file;
    const range = { start: this.#start, end: this.#end - 1, highWaterMark: 2 ** 18 };
    const source = this.size === 0 ? Readable.from([]) : createReadStream(path, range);
    return Readable.toWeb(source) as ReadableStream<Uint8Array<ArrayBuffer>>;
  }
}

export function fileBlob(path: string): Blob {
  const file = { path, descriptor: openSync(path, 'r') };
  closing.register(file, file.descriptor);
  return new FileBlob(file, 0, fstatSync(file.descriptor).size);
}
