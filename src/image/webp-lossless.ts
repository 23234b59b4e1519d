/**
 * Lossless WebP → RGB with the colours under alpha kept, which a canvas multiplies by alpha and cannot give back.
 * Source: RFC 9649, section 3 (WebP lossless bitstream).
 */
import { GroundworkError } from '../base/error.ts';
import type { RgbImage } from './rgb-image.ts';
import { claimsTooMuch } from './size.ts';
import { LosslessBits, prefixCode, type PrefixCode } from './webp-bits.ts';
import { inverse, type Transform } from './webp-transforms.ts';

/** Alphabets of green with lengths, red, blue, alpha, distances; the first grows by the colour cache. */
const ALPHABETS = [280, 256, 256, 256, 40] as const;
const LENGTHS = 24;

type Group = readonly [PrefixCode, PrefixCode, PrefixCode, PrefixCode, PrefixCode];

/** @param data a VP8L chunk's content. Throws `image-undecodable` */
export function decodeLosslessWebp(data: Uint8Array): RgbImage {
  try {
    return decode(data);
  } catch (error) {
    if (error instanceof RangeError) throw damaged();
    throw error;
  }
}

function decode(data: Uint8Array): RgbImage {
  const bits = new LosslessBits(data);
  if (bits.read(8) !== 0x2f) throw damaged();
  const [width, height] = [bits.read(14) + 1, bits.read(14) + 1];
  bits.read(1); // whether alpha counts: the colours are read alike
  if (bits.read(3) !== 0 || claimsTooMuch(width * height, data.length, 2 ** 16)) throw damaged();
  const transforms: Transform[] = [];
  let columns = width;
  while (bits.read(1)) {
    const transform = readTransform(bits, columns, height);
    if (transforms.some(({ kind }) => kind === transform.kind)) throw damaged();
    transforms.push(transform);
    if (transform.kind === 'indices') columns = Math.ceil(columns / (1 << transform.packing));
  }
  let pixels: Uint32Array = readPixels(bits, columns, height, true);
  for (const transform of transforms.reverse()) pixels = inverse(pixels, transform, height);
  const out = new Uint8Array(width * height * 3);
  pixels.forEach((argb, i) => {
    out[3 * i] = argb >>> 16;
    out[3 * i + 1] = argb >>> 8;
    out[3 * i + 2] = argb;
  });
  return { width, height, data: out };
}

function readTransform(bits: LosslessBits, width: number, height: number): Transform {
  const kind = bits.read(2);
  if (kind === 2) return { kind: 'green', width };
  if (kind === 3) {
    const size = bits.read(8) + 1;
    const palette = readPixels(bits, size, 1, false);
    // Each colour is stored less the one before it.
    for (let i = 1; i < size; i++) palette[i] = plus(palette[i]!, palette[i - 1]!);
    return { kind: 'indices', width, palette, packing: size <= 2 ? 3 : size <= 4 ? 2 : size <= 16 ? 1 : 0 };
  }
  const block = bits.read(3) + 2;
  const across = Math.ceil(width / (1 << block));
  const blocks = readPixels(bits, across, Math.ceil(height / (1 << block)), false);
  return { kind: kind === 0 ? 'predicted' : 'colours', width, block, across, blocks };
}

/** ARGB added channel by channel, each within its byte. */
const plus = (a: number, b: number): number =>
  ((((a & 0xff00ff00) >>> 0) + ((b & 0xff00ff00) >>> 0)) & 0xff00ff00) | (((a & 0xff00ff) + (b & 0xff00ff)) & 0xff00ff);

/** @param main the picture itself, which may have codes by block */
function readPixels(bits: LosslessBits, width: number, height: number, main: boolean): Uint32Array<ArrayBuffer> {
  const cacheBits = bits.read(1) ? bits.read(4) : 0;
  if (cacheBits > 11) throw damaged();
  let blocks: Uint32Array | null = null;
  let block = 0;
  if (main && bits.read(1)) {
    block = bits.read(3) + 2;
    blocks = readPixels(bits, Math.ceil(width / (1 << block)), Math.ceil(height / (1 << block)), false);
  }
  const groupOf = (at: number): number => (blocks![at]! >>> 8) & 0xffff;
  const groups: Group[] = [];
  const count = blocks ? blocks.reduce((most, _, at) => Math.max(most, groupOf(at)), 0) + 1 : 1;
  for (let i = 0; i < count; i++)
    groups.push(
      ALPHABETS.map((size, k) =>
        prefixCode(bits, size + (k === 0 && cacheBits > 0 ? 1 << cacheBits : 0)),
      ) as unknown as Group,
    );
  const across = blocks ? Math.ceil(width / (1 << block)) : 0;
  const out = new Uint32Array(width * height);
  const cache = new Uint32Array(1 << cacheBits);
  let at = 0;
  const put = (argb: number) => {
    out[at++] = argb;
    if (cacheBits > 0) cache[Math.imul(0x1e35a7bd, argb) >>> (32 - cacheBits)] = argb;
  };
  while (at < out.length) {
    const [x, y] = [at % width, Math.floor(at / width)];
    const [green, red, blue, alpha, distance] = groups[blocks ? groupOf((y >> block) * across + (x >> block)) : 0]!;
    const symbol = green.next(bits);
    if (symbol < 256) {
      const [r, b, a] = [red.next(bits), blue.next(bits), alpha.next(bits)];
      put(((a << 24) | (r << 16) | (symbol << 8) | b) >>> 0);
    } else if (symbol < 256 + LENGTHS) {
      const length = valueOf(bits, symbol - 256);
      const back = distanceOf(valueOf(bits, distance.next(bits)), width);
      if (back > at || at + length > out.length) throw damaged();
      for (let i = 0; i < length; i++) put(out[at - back]!);
    } else put(cache[symbol - 256 - LENGTHS]!);
  }
  return out;
}

/** A length or a distance from its prefix and the bits after it. */
function valueOf(bits: LosslessBits, prefix: number): number {
  if (prefix < 4) return prefix + 1;
  const extra = (prefix - 2) >> 1;
  return ((2 + (prefix & 1)) << extra) + bits.read(extra) + 1;
}

/** Places near a pixel, across and up, in the order of the short codes. */
const NEAR =
  '0,1 1,0 1,1 -1,1 0,2 2,0 1,2 -1,2 2,1 -2,1 2,2 -2,2 0,3 3,0 1,3 -1,3 3,1 -3,1 2,3 -2,3 3,2 -3,2 0,4 4,0 1,4 -1,4 4,1 -4,1 3,3 -3,3 2,4 -2,4 4,2 -4,2 0,5 3,4 -3,4 4,3 -4,3 5,0 1,5 -1,5 5,1 -5,1 2,5 -2,5 5,2 -5,2 4,4 -4,4 3,5 -3,5 5,3 -5,3 0,6 6,0 1,6 -1,6 6,1 -6,1 2,6 -2,6 6,2 -6,2 4,5 -4,5 5,4 -5,4 3,6 -3,6 6,3 -6,3 0,7 7,0 1,7 -1,7 5,5 -5,5 7,1 -7,1 4,6 -4,6 6,4 -6,4 2,7 -2,7 7,2 -7,2 3,7 -3,7 7,3 -7,3 5,6 -5,6 6,5 -6,5 8,0 4,7 -4,7 7,4 -7,4 8,1 8,2 6,6 -6,6 8,3 5,7 -5,7 7,5 -7,5 8,4 6,7 -6,7 7,6 -7,6 8,5 7,7 -7,7 8,6 8,7'
    .split(' ')
    .map((pair) => pair.split(',').map(Number) as [number, number]);

function distanceOf(code: number, width: number): number {
  if (code > NEAR.length) return code - NEAR.length;
  const [across, up] = NEAR[code - 1]!;
  return Math.max(1, across + up * width);
}

const damaged = (): GroundworkError =>
  new GroundworkError(
    'image-undecodable',
    'A WebP could not be decoded.',
    'The file is damaged or was cut off: replace it.',
  );
