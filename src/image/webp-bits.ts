/** The bits of a lossless WebP, the lowest first, and its prefix codes. Source: RFC 9649, sections 3.7.2 and 6.2. */

/** Throws RangeError beyond the end. */
export class LosslessBits {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  read(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++, this.#at++) {
      const byte = this.#bytes[this.#at >> 3];
      if (byte === undefined) throw new RangeError('cut off');
      value |= ((byte >> (this.#at & 7)) & 1) << i;
    }
    return value;
  }
}

/** Longest code. */
const LONGEST = 15;

export class PrefixCode {
  readonly #first = new Int32Array(LONGEST + 1);
  readonly #place = new Int32Array(LONGEST + 1);
  readonly #count = new Int32Array(LONGEST + 1);
  readonly #symbols: Uint16Array;

  /** @param lengths by symbol; 0: it has no code. A symbol that is alone takes no bits. */
  constructor(lengths: ArrayLike<number>) {
    const symbols = Array.from(lengths, (_, symbol) => symbol).filter((symbol) => lengths[symbol]! > 0);
    symbols.sort((a, b) => lengths[a]! - lengths[b]! || a - b);
    this.#symbols = Uint16Array.from(symbols);
    if (symbols.length === 1) return;
    for (const symbol of symbols) this.#count[lengths[symbol]!]!++;
    let [code, at] = [0, 0];
    for (let length = 1; length <= LONGEST; length++) {
      code = (code + this.#count[length - 1]!) << 1;
      this.#first[length] = code;
      this.#place[length] = at;
      at += this.#count[length]!;
    }
  }

  /** Throws RangeError for what is no code. */
  next(bits: LosslessBits): number {
    if (this.#symbols.length === 1) return this.#symbols[0]!;
    let code = 0;
    for (let length = 1; length <= LONGEST; length++) {
      code = (code << 1) | bits.read(1);
      const offset = code - this.#first[length]!;
      if (offset < this.#count[length]!) return this.#symbols[this.#place[length]! + offset]!;
    }
    throw new RangeError('no such code');
  }
}

/** The order in which lengths of the code of lengths come. */
const ORDER = [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/** Reads a code for an alphabet of so many symbols. */
export function prefixCode(bits: LosslessBits, alphabet: number): PrefixCode {
  const lengths = new Uint8Array(alphabet);
  if (bits.read(1)) {
    const two = bits.read(1);
    lengths[bits.read(bits.read(1) ? 8 : 1)] = 1;
    if (two) lengths[bits.read(8)] = 1;
    return new PrefixCode(lengths);
  }
  const ofLengths = new Uint8Array(ORDER.length);
  const given = bits.read(4) + 4;
  for (let i = 0; i < given; i++) ofLengths[ORDER[i]!] = bits.read(3);
  const code = new PrefixCode(ofLengths);
  let left = bits.read(1) ? 2 + bits.read(2 + 2 * bits.read(3)) : alphabet;
  let before = 8;
  for (let symbol = 0; symbol < alphabet && left > 0; left--) {
    const length = code.next(bits);
    if (length < 16) {
      lengths[symbol++] = length;
      if (length > 0) before = length;
      continue;
    }
    const count = length === 16 ? 3 + bits.read(2) : length === 17 ? 3 + bits.read(3) : 11 + bits.read(7);
    if (symbol + count > alphabet) throw new RangeError('too many lengths');
    if (length === 16) lengths.fill(before, symbol, symbol + count);
    symbol += count;
  }
  return new PrefixCode(lengths);
}
