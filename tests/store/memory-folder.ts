/** A folder as the browser's pickers give one, in memory: what is written to a file counts when its stream is closed. */

const absent = () => new DOMException('There is no such entry.', 'NotFoundError');

export class MemoryFolder {
  readonly kind = 'directory';
  readonly name: string;
  readonly entriesByName = new Map<string, MemoryFolder | MemoryFile>();
  /** Called before every change, with the bytes to be written; throws as a browser would. */
  readonly #onChange: (bytes: number) => void;

  constructor(name: string, onChange: (bytes: number) => void = () => undefined) {
    this.name = name;
    this.#onChange = onChange;
  }

  /** As the code under test takes it. */
  get handle(): FileSystemDirectoryHandle {
    return this as unknown as FileSystemDirectoryHandle;
  }

  /** Texts by path, of all files below. */
  async contents(): Promise<Record<string, string>> {
    const all: Record<string, string> = {};
    for (const [name, entry] of this.entriesByName)
      if (entry instanceof MemoryFile) all[name] = await entry.file.text();
      else for (const [path, text] of Object.entries(await entry.contents())) all[`${name}/${path}`] = text;
    return all;
  }

  async *entries(): AsyncGenerator<[string, MemoryFolder | MemoryFile]> {
    yield* this.entriesByName;
  }

  async *keys(): AsyncGenerator<string> {
    yield* this.entriesByName.keys();
  }

  getDirectoryHandle = async (name: string, options?: { create?: boolean }) =>
    this.#get(name, options, () => new MemoryFolder(name, this.#onChange));

  getFileHandle = async (name: string, options?: { create?: boolean }) =>
    this.#get(name, options, () => new MemoryFile(name, this.#onChange));

  removeEntry = async (name: string) => {
    this.#onChange(0);
    if (!this.entriesByName.delete(name)) throw absent();
  };

  #get<T extends MemoryFolder | MemoryFile>(name: string, { create = false } = {}, make: () => T): T {
    const found = this.entriesByName.get(name);
    if (found) return found as T;
    if (!create) throw absent();
    this.#onChange(0);
    const made = make();
    this.entriesByName.set(name, made);
    return made;
  }
}

class MemoryFile {
  readonly kind = 'file';
  readonly name: string;
  file: Blob = new Blob([]);
  readonly #onChange: (bytes: number) => void;

  constructor(name: string, onChange: (bytes: number) => void) {
    this.name = name;
    this.#onChange = onChange;
  }

  getFile = async () => this.file;

  createWritable = async () => {
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    return {
      write: async (piece: Uint8Array<ArrayBuffer>) => {
        this.#onChange(piece.length);
        pieces.push(piece.slice());
      },
      close: async () => void (this.file = new Blob(pieces)),
      abort: async () => undefined,
    };
  };
}
