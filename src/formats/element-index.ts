/** Where the elements of a text file are: a few numbers an element, so that any of them can be read again alone. */
import { Column } from '../base/columns.ts';

export class ElementIndex {
  readonly #starts = new Column(Float64Array, 64);
  readonly #lengths = new Column(Float64Array, 64);
  readonly #lines = new Column(Uint32Array, 64);

  get length(): number {
    return this.#starts.length;
  }

  /** Held in memory. */
  get bytes(): number {
    return this.#starts.bytes + this.#lengths.bytes + this.#lines.bytes;
  }

  add(start: number, end: number, line: number): void {
    this.#starts.push(start);
    this.#lengths.push(end - start);
    this.#lines.push(line);
  }

  start(i: number): number {
    return this.#starts.get(i);
  }

  end(i: number): number {
    return this.#starts.get(i) + this.#lengths.get(i);
  }

  /** 1-based line of the file on which it begins. */
  line(i: number): number {
    return this.#lines.get(i);
  }
}

/** Most bytes read at once. */
const BATCH = 4 * 2 ** 20;

/** The bytes of elements `from` to `to`, one after the other; neighbours are read together. */
export async function* readElements(
  blob: Blob,
  index: ElementIndex,
  from: number,
  to: number,
): AsyncGenerator<{ readonly i: number; readonly bytes: Uint8Array }> {
  for (let i = from; i < to;) {
    const start = index.start(i);
    let last = i;
    while (last + 1 < to && index.end(last + 1) - start <= BATCH) last++;
    const bytes = new Uint8Array(await blob.slice(start, index.end(last)).arrayBuffer());
    for (; i <= last; i++) yield { i, bytes: bytes.subarray(index.start(i) - start, index.end(i) - start) };
  }
}

/** A file's bytes as they come, with their place. `tell` hears how far it got. */
export async function* readChunks(
  blob: Blob,
  tell: (bytes: number) => void = () => undefined,
): AsyncGenerator<{ readonly at: number; readonly bytes: Uint8Array }> {
  const reader = blob.stream().getReader();
  let at = 0;
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      yield { at, bytes: next.value };
      at += next.value.length;
      tell(at);
    }
  } finally {
    await reader.cancel();
  }
}
