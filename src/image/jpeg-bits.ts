/** The bits of a JPEG's scan: values of so many bits, and Huffman codes. Source: ITU-T T.81, annexes C and F. */

export interface HuffmanTable {
  /** By length − 1: the first code, the place of its symbol, and how many there are. */
  readonly first: Int32Array;
  readonly place: Int32Array;
  readonly count: Uint8Array;
  readonly symbols: Uint8Array;
}

/** @param counts how many codes there are of 1 … 16 bits */
export function huffmanTable(counts: Uint8Array, symbols: Uint8Array): HuffmanTable {
  const [first, place] = [new Int32Array(16), new Int32Array(16)];
  let [code, at] = [0, 0];
  for (let i = 0; i < 16; i++) {
    first[i] = code;
    place[i] = at;
    code = (code + counts[i]!) << 1;
    at += counts[i]!;
  }
  return { first, place, count: counts, symbols };
}

/** Zero bytes read on at a marker: more, and the scan was cut short. */
const MOST_ZEROS = 64;

/** Reads on with some zeros where a marker cuts the bits short. Throws RangeError beyond. */
export class BitReader {
  readonly #bytes: Uint8Array;
  #at: number;
  #held = 0;
  #zeros = 0;
  #count = 0;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  bit(): number {
    if (this.#count === 0) {
      this.#held = this.#next();
      this.#count = 8;
    }
    this.#count--;
    return (this.#held >> this.#count) & 1;
  }

  bits(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) value = (value << 1) | this.bit();
    return value;
  }

  /** A value of so many bits whose upper half is positive. */
  signed(size: number): number {
    if (size === 0) return 0;
    const value = this.bits(size);
    return value < 1 << (size - 1) ? value - (1 << size) + 1 : value;
  }

  /** Throws RangeError for what is no code. */
  symbol({ first, place, count, symbols }: HuffmanTable): number {
    let code = 0;
    for (let i = 0; i < 16; i++) {
      code = (code << 1) | this.bit();
      const offset = code - first[i]!;
      if (offset < count[i]!) return symbols[place[i]! + offset]!;
    }
    throw new RangeError('no such code');
  }

  /** Passes a restart marker; bits begin anew. */
  restart(): void {
    this.#zeros = 0;
    this.#at = this.end() + 2;
    this.#count = 0;
  }

  /** Where the next marker is. */
  end(): number {
    let at = this.#at;
    for (; at + 1 < this.#bytes.length; at++)
      if (this.#bytes[at] === 0xff && this.#bytes[at + 1] !== 0 && this.#bytes[at + 1] !== 0xff) return at;
    return this.#bytes.length;
  }

  #next(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new RangeError('cut off');
    if (byte !== 0xff) this.#at++;
    else if (this.#bytes[this.#at + 1] === 0) this.#at += 2;
    else if (this.#zeros++ < MOST_ZEROS) return 0; // a marker: it stays where it is
    else throw new RangeError('cut off');
    return byte;
  }
}
