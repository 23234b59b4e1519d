/**
 * JPEGs of four colours (CMYK, YCCK) → RGB as Pillow gives them: decoded as libjpeg does, to the bit, and turned into RGB
 * by Pillow's formula. Browsers use a colour profile for these, or a formula of their own.
 * Sources: ITU-T T.81; libjpeg's `jidctint` (integer cosine transform) and `jdsample` (smooth upsampling) for the
 * arithmetic; Adobe's technical note 5116 for the marker; Pillow 12 `Convert.c`.
 */
import { GroundworkError } from '../base/error.ts';
import { inverseTransform, ZIGZAG } from './jpeg-block.ts';
import { BitReader, huffmanTable, type HuffmanTable } from './jpeg-bits.ts';
import type { RgbImage } from './rgb-image.ts';
import { claimsTooMuch } from './size.ts';

/** A block of one colour takes some bits, and has 64 pixels; progressive files say of many at once that they are done. */
const IN_BYTE = 512;

interface Component {
  readonly id: number;
  readonly h: number;
  readonly v: number;
  readonly quantiser: number;
  /** Blocks across and down, filled up to whole units of the scan. */
  blocksAcross: number;
  blocksDown: number;
  /** Its own size in samples. */
  width: number;
  height: number;
  /** 64 a block. */
  coefficients: Int16Array;
  dc: HuffmanTable | null;
  ac: HuffmanTable | null;
  predicted: number;
}

interface Frame {
  readonly width: number;
  readonly height: number;
  readonly progressive: boolean;
  readonly components: readonly Component[];
  readonly hMax: number;
  readonly vMax: number;
}

interface Scan {
  readonly components: readonly Component[];
  readonly from: number;
  readonly to: number;
  readonly high: number;
  readonly low: number;
}

/** As stored, not turned. Throws `image-undecodable` for a file that is damaged, cut off, or of a rare kind. */
export function decodeCmykJpeg(bytes: Uint8Array): RgbImage {
  try {
    return new Decoder(bytes).image();
  } catch (error) {
    if (error instanceof RangeError) throw damaged();
    throw error;
  }
}

class Decoder {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #quantisers: Uint16Array[] = [];
  readonly #tables = new Map<number, HuffmanTable>();
  #frame: Frame | null = null;
  #restart = 0;
  #transform = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  image(): RgbImage {
    this.#read();
    const frame = this.#frame;
    if (!frame || frame.components.length !== 4) throw damaged();
    const planes = frame.components.map((component) => this.#plane(frame, component));
    return { width: frame.width, height: frame.height, data: toRgb(planes, this.#transform === 2) };
  }

  #read(): void {
    for (let at = 2; at + 4 <= this.#bytes.length;) {
      if (this.#bytes[at] !== 0xff) throw damaged();
      const code = this.#bytes[at + 1]!;
      if (code === 0xff) at++;
      else if (code === 0xd9) return;
      else if (code === 0x01 || (code >= 0xd0 && code <= 0xd8)) at += 2;
      else {
        const length = this.#view.getUint16(at + 2);
        const end = at + 2 + length;
        if (length < 2 || end > this.#bytes.length) throw damaged();
        at = code === 0xda ? this.#scan(at + 4, end) : (this.#segment(code, at + 4, end), end);
      }
    }
  }

  #segment(code: number, at: number, end: number): void {
    const bytes = this.#bytes;
    if (code === 0xdb) this.#quantisation(at, end);
    else if (code === 0xc4) this.#huffman(at, end);
    else if (code === 0xdd) this.#restart = this.#view.getUint16(at);
    else if (code === 0xee && String.fromCharCode(...bytes.subarray(at, at + 5)) === 'Adobe')
      this.#transform = bytes[at + 11] ?? 0;
    else if (code >= 0xc0 && code <= 0xcf && code !== 0xc8 && code !== 0xcc) {
      // Lossless, hierarchical and arithmetic coding: nobody publishes these.
      if (code > 0xc2 || this.#frame) throw damaged();
      this.#frame = this.#header(at, code === 0xc2);
    }
  }

  #quantisation(start: number, end: number): void {
    for (let at = start; at < end;) {
      const [wide, id] = [this.#bytes[at]! >> 4, this.#bytes[at]! & 15];
      at++;
      const table = new Uint16Array(64);
      for (let k = 0; k < 64; k++) {
        table[ZIGZAG[k]!] = wide ? this.#view.getUint16(at) : this.#bytes[at]!;
        at += wide ? 2 : 1;
      }
      this.#quantisers[id] = table;
    }
  }

  #huffman(start: number, end: number): void {
    for (let at = start; at + 17 <= end;) {
      const counts = this.#bytes.subarray(at + 1, at + 17);
      const total = counts.reduce((a, b) => a + b, 0);
      if (at + 17 + total > end) throw damaged();
      this.#tables.set(this.#bytes[at]!, huffmanTable(counts, this.#bytes.subarray(at + 17, at + 17 + total)));
      at += 17 + total;
    }
  }

  #header(at: number, progressive: boolean): Frame {
    const view = this.#view;
    const [height, width, count] = [view.getUint16(at + 1), view.getUint16(at + 3), view.getUint8(at + 5)];
    if (view.getUint8(at) !== 8 || width * height === 0 || claimsTooMuch(width * height, this.#bytes.length, IN_BYTE))
      throw damaged();
    const components = Array.from({ length: count }, (_, i): Component => {
      const p = at + 6 + 3 * i;
      const factors = view.getUint8(p + 1);
      const [h, v] = [factors >> 4, factors & 15];
      if (h < 1 || h > 4 || v < 1 || v > 4) throw damaged();
      const sizes = { blocksAcross: 0, blocksDown: 0, width: 0, height: 0, coefficients: new Int16Array(0) };
      return {
        id: view.getUint8(p),
        h,
        v,
        quantiser: view.getUint8(p + 2),
        ...sizes,
        dc: null,
        ac: null,
        predicted: 0,
      };
    });
    const [hMax, vMax] = [Math.max(...components.map(({ h }) => h)), Math.max(...components.map(({ v }) => v))];
    const [across, down] = [Math.ceil(width / (8 * hMax)), Math.ceil(height / (8 * vMax))];
    for (const component of components) {
      component.blocksAcross = across * component.h;
      component.blocksDown = down * component.v;
      component.width = Math.ceil((width * component.h) / hMax);
      component.height = Math.ceil((height * component.v) / vMax);
      component.coefficients = new Int16Array(64 * component.blocksAcross * component.blocksDown);
    }
    return { width, height, progressive, components, hMax, vMax };
  }

  /** Decodes a scan's coefficients, and says where the next marker is. */
  #scan(start: number, end: number): number {
    const frame = this.#frame;
    if (!frame) throw damaged();
    const count = this.#bytes[start]!;
    const components = Array.from({ length: count }, (_, i) => {
      const [id, tables] = [this.#bytes[start + 1 + 2 * i]!, this.#bytes[start + 2 + 2 * i]!];
      const component = frame.components.find((c) => c.id === id);
      if (!component) throw damaged();
      component.dc = this.#tables.get(tables >> 4) ?? null;
      component.ac = this.#tables.get(16 + (tables & 15)) ?? null;
      return component;
    });
    const at = start + 1 + 2 * count;
    const [from, to, bits] = [this.#bytes[at]!, this.#bytes[at + 1]!, this.#bytes[at + 2]!];
    const scan: Scan = frame.progressive
      ? { components, from, to, high: bits >> 4, low: bits & 15 }
      : { components, from: 0, to: 63, high: 0, low: 0 };
    if (scan.from > scan.to || scan.to > 63) throw damaged();
    const reader = new BitReader(this.#bytes, end);
    const coder = new ScanCoder(reader, scan, frame.progressive);
    const units = unitsOf(frame, components);
    let left = this.#restart;
    for (const unit of units) {
      if (this.#restart > 0 && left === 0) {
        reader.restart();
        coder.reset();
        left = this.#restart;
      }
      left--;
      for (const [component, block] of unit) coder.block(component, block);
    }
    return reader.end();
  }

  /** A component's samples at the size of the picture. */
  #plane({ width, height, hMax, vMax }: Frame, component: Component): Uint8Array {
    const table = this.#quantisers[component.quantiser];
    if (!table) throw damaged();
    const { blocksAcross, blocksDown, coefficients, h, v } = component;
    const stride = blocksAcross * 8;
    const samples = new Uint8Array(stride * blocksDown * 8);
    for (let row = 0; row < blocksDown; row++)
      for (let column = 0; column < blocksAcross; column++) {
        const block = 64 * (row * blocksAcross + column);
        inverseTransform(
          coefficients.subarray(block, block + 64),
          table,
          samples,
          row * 8 * stride + column * 8,
          stride,
        );
      }
    const own = cropped(samples, stride, component.width, component.height);
    return upsampled(own, component.width, component.height, { x: hMax / h, y: vMax / v, width, height });
  }
}

/** The blocks of a scan in their order: one at a time for a single component, else interleaved by units. */
function* unitsOf(
  frame: Frame,
  components: readonly Component[],
): Generator<readonly (readonly [Component, number])[]> {
  const [only] = components;
  if (components.length === 1 && only) {
    const [across, down] = [Math.ceil(only.width / 8), Math.ceil(only.height / 8)];
    for (let y = 0; y < down; y++) for (let x = 0; x < across; x++) yield [[only, 64 * (y * only.blocksAcross + x)]];
    return;
  }
  const across = Math.ceil(frame.width / (8 * frame.hMax));
  const down = Math.ceil(frame.height / (8 * frame.vMax));
  for (let row = 0; row < down; row++)
    for (let column = 0; column < across; column++)
      yield components.flatMap((component) => {
        const { h, v, blocksAcross } = component;
        return Array.from({ length: h * v }, (_, i) => {
          const [x, y] = [column * h + (i % h), row * v + Math.floor(i / h)];
          return [component, 64 * (y * blocksAcross + x)] as const;
        });
      });
}

/** Reads blocks of one scan, whole ones or the part that a progressive scan brings. */
class ScanCoder {
  readonly #reader: BitReader;
  readonly #scan: Scan;
  readonly #progressive: boolean;
  /** Blocks that end at once. */
  #ended = 0;

  constructor(reader: BitReader, scan: Scan, progressive: boolean) {
    this.#reader = reader;
    this.#scan = scan;
    this.#progressive = progressive;
    this.reset();
  }

  reset(): void {
    this.#ended = 0;
    for (const component of this.#scan.components) component.predicted = 0;
  }

  block(component: Component, at: number): void {
    const { from, to, high, low } = this.#scan;
    if (!this.#progressive) {
      this.#first(component, at, 0);
      this.#run(component, at, 1, 63, 0);
    } else if (from === 0) {
      if (high === 0) this.#first(component, at, low);
      else if (this.#reader.bit()) component.coefficients[at]! |= 1 << low;
    } else if (high === 0) this.#run(component, at, from, to, low);
    else this.#refine(component, at, from, to, low);
  }

  #first(component: Component, at: number, low: number): void {
    if (!component.dc) throw damaged();
    component.predicted += this.#reader.signed(this.#reader.symbol(component.dc));
    component.coefficients[at] = component.predicted << low;
  }

  #run({ coefficients, ac }: Component, at: number, from: number, to: number, low: number): void {
    if (this.#ended > 0) {
      this.#ended--;
      return;
    }
    if (!ac) throw damaged();
    for (let k = from; k <= to; k++) {
      const symbol = this.#reader.symbol(ac);
      const [run, size] = [symbol >> 4, symbol & 15];
      if (size === 0) {
        if (run === 15) {
          k += 15;
          continue;
        }
        this.#ended = (1 << run) - 1 + this.#reader.bits(run);
        return;
      }
      k += run;
      if (k > 63) throw damaged();
      coefficients[at + ZIGZAG[k]!] = this.#reader.signed(size) << low;
    }
  }

  #refine({ coefficients, ac }: Component, at: number, from: number, to: number, low: number): void {
    if (!ac) throw damaged();
    const bit = 1 << low;
    const correct = (place: number) => {
      const value = coefficients[place]!;
      if (this.#reader.bit() && (Math.abs(value) & bit) === 0) coefficients[place] = value + (value >= 0 ? bit : -bit);
    };
    let k = from;
    if (this.#ended === 0)
      for (; k <= to; k++) {
        const symbol = this.#reader.symbol(ac);
        let run = symbol >> 4;
        let fresh = 0;
        if ((symbol & 15) === 0) {
          if (run < 15) {
            this.#ended = (1 << run) + this.#reader.bits(run);
            break;
          }
        } else fresh = this.#reader.bit() ? bit : -bit;
        for (; k <= to; k++) {
          const place = at + ZIGZAG[k]!;
          if (coefficients[place] !== 0) correct(place);
          else if (run-- === 0) {
            if (fresh !== 0) coefficients[place] = fresh;
            break;
          }
        }
      }
    if (this.#ended > 0) {
      for (; k <= to; k++) {
        const place = at + ZIGZAG[k]!;
        if (coefficients[place] !== 0) correct(place);
      }
      this.#ended--;
    }
  }
}

function cropped(samples: Uint8Array, stride: number, width: number, height: number): Uint8Array {
  const out = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) out.set(samples.subarray(y * stride, y * stride + width), y * width);
  return out;
}

/** Smoothly by two across (3 : 1 of neighbours) and by two down, as libjpeg; by any other factor each sample is repeated. */
function upsampled(
  samples: Uint8Array,
  width: number,
  height: number,
  to: { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
): Uint8Array {
  if (to.x === 1 && to.y === 1) return samples;
  const out = new Uint8Array(to.width * to.height);
  const smooth = to.x === 2 && (to.y === 1 || to.y === 2) && width > 2;
  const down = to.x === 1 && to.y === 2;
  for (let y = 0; y < to.height; y++) {
    const row = Math.min(height - 1, Math.floor(y / to.y));
    // Of two rows the nearer counts three times.
    const other = to.y === 2 ? Math.min(height - 1, Math.max(0, row + (y % 2 ? 1 : -1))) : row;
    const at = (x: number) => {
      const column = Math.min(width - 1, Math.max(0, x));
      const near = samples[row * width + column]!;
      return to.y === 2 ? 3 * near + samples[other * width + column]! : near;
    };
    for (let x = 0; x < to.width; x++) {
      const column = Math.floor(x / to.x);
      if (down) out[y * to.width + x] = (at(column) + (y % 2 ? 2 : 1)) >> 2;
      else if (!smooth) out[y * to.width + x] = samples[row * width + Math.min(width - 1, column)]!;
      else out[y * to.width + x] = blended(at(column), at(column + (x % 2 ? 1 : -1)), x % 2 === 1, to.y === 2);
    }
  }
  return out;
}

/** The rounding differs by side, so that no side is preferred. */
function blended(near: number, far: number, right: boolean, tall: boolean): number {
  if (tall) return (3 * near + far + (right ? 7 : 8)) >> 4;
  return (3 * near + far + (right ? 2 : 1)) >> 2;
}

/** Planes of inverted CMYK, or of YCCK → RGB. */
function toRgb([first, second, third, black]: readonly Uint8Array[], ycck: boolean): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(black!.length * 3);
  for (let i = 0; i < black!.length; i++) {
    const ink = ycck ? inksOf(first![i]!, second![i]!, third![i]!) : [first![i]!, second![i]!, third![i]!];
    const light = black![i]!;
    for (let c = 0; c < 3; c++) out[i * 3 + c] = Math.max(0, light - over255((255 - ink[c]!) * light));
  }
  return out;
}

/** a / 255, rounded, as Pillow does it. */
function over255(a: number): number {
  const b = a + 128;
  return ((b >> 8) + b) >> 8;
}

const clamp = (v: number): number => Math.max(0, Math.min(255, v));

/** YCC → the inks C, M, Y as libjpeg: 255 less red, green and blue, in 16 bits of fraction. */
function inksOf(y: number, cb: number, cr: number): [number, number, number] {
  const [b, r] = [cb - 128, cr - 128];
  const red = (91881 * r + 32768) >> 16;
  const green = (-22554 * b - 46802 * r + 32768) >> 16;
  const blue = (116130 * b + 32768) >> 16;
  return [clamp(255 - (y + red)), clamp(255 - (y + green)), clamp(255 - (y + blue))];
}

const damaged = (): GroundworkError =>
  new GroundworkError(
    'image-undecodable',
    'A JPEG in CMYK, the four colours of printing, could not be decoded.',
    'The file is damaged or of a rare kind: save it again as RGB.',
  );
