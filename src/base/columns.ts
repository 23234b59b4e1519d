/**
 * Long lists without an object an entry: numbers in typed arrays that grow by doubling, texts as UTF-8 in one buffer.
 * A dataset has hundreds of thousands of files and rows; as objects they would fill the heap and be walked by every
 * garbage collection.
 */
type NumberArray = Float64Array | Uint32Array | Int32Array | Uint16Array | Uint8Array;

export class Column<A extends NumberArray = NumberArray> {
  #data: A;
  #length = 0;

  constructor(make: new (length: number) => A, capacity = 1024) {
    this.#data = new make(capacity);
  }

  get length(): number {
    return this.#length;
  }

  get bytes(): number {
    return this.#data.byteLength;
  }

  push(value: number): number {
    if (this.#length === this.#data.length) {
      const grown = new (this.#data.constructor as new (length: number) => A)(this.#length * 2);
      grown.set(this.#data);
      this.#data = grown;
    }
    this.#data[this.#length] = value;
    return this.#length++;
  }

  get(index: number): number {
    return this.#data[index]!;
  }

  set(index: number, value: number): void {
    this.#data[index] = value;
  }

  /** What has been pushed so far; a view, valid until the next push. */
  view(): A {
    return this.#data.subarray(0, this.#length) as A;
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Texts, by their number. */
export class TextColumn {
  #bytes = new Uint8Array(4096);
  #used = 0;
  readonly #ends = new Column(Float64Array);

  get length(): number {
    return this.#ends.length;
  }

  get bytes(): number {
    return this.#bytes.byteLength + this.#ends.bytes;
  }

  push(text: string): number {
    const room = this.#used + text.length * 3;
    if (room > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(room, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, this.#used));
      this.#bytes = grown;
    }
    this.#used += encoder.encodeInto(text, this.#bytes.subarray(this.#used)).written;
    return this.#ends.push(this.#used);
  }

  get(index: number): string {
    return decoder.decode(this.#bytes.subarray(index === 0 ? 0 : this.#ends.get(index - 1), this.#ends.get(index)));
  }
}

/** FNV-1a, 32 bits. `seed`: another hash of the same text. */
export function textHash(text: string, seed = 0x811c9dc5): number {
  let h = seed;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

/** Numbers by a hash, several to a hash: a multimap in two arrays. The caller compares what the numbers stand for. */
export class HashIndex {
  #heads = new Int32Array(1024).fill(-1);
  readonly #hashes = new Column(Uint32Array);
  readonly #next = new Column(Int32Array);

  get bytes(): number {
    return this.#heads.byteLength + this.#hashes.bytes + this.#next.bytes;
  }

  /** Its number is the count of earlier calls. */
  add(hash: number): number {
    if (this.#hashes.length >= this.#heads.length) this.#grow();
    const slot = hash & (this.#heads.length - 1);
    this.#hashes.push(hash);
    this.#next.push(this.#heads[slot]!);
    return (this.#heads[slot] = this.#hashes.length - 1);
  }

  /** The latest first. */
  *find(hash: number): Generator<number> {
    for (let i = this.#heads[hash & (this.#heads.length - 1)]!; i >= 0; i = this.#next.get(i))
      if (this.#hashes.get(i) === hash) yield i;
  }

  #grow(): void {
    this.#heads = new Int32Array(this.#heads.length * 2).fill(-1);
    for (let i = 0; i < this.#hashes.length; i++) {
      const slot = this.#hashes.get(i) & (this.#heads.length - 1);
      this.#next.set(i, this.#heads[slot]!);
      this.#heads[slot] = i;
    }
  }
}

/** Distinct texts, each with a number. */
export class TextSet {
  readonly #texts = new TextColumn();
  readonly #index = new HashIndex();

  get length(): number {
    return this.#texts.length;
  }

  get bytes(): number {
    return this.#texts.bytes + this.#index.bytes;
  }

  get(index: number): string {
    return this.#texts.get(index);
  }

  /** −1 if it is not there. */
  find(text: string): number {
    for (const i of this.#index.find(textHash(text))) if (this.#texts.get(i) === text) return i;
    return -1;
  }

  /** The number of a text, which is added if it is new. */
  add(text: string): number {
    const known = this.find(text);
    if (known >= 0) return known;
    this.#index.add(textHash(text));
    return this.#texts.push(text);
  }
}
