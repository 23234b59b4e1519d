/** What a lossless WebP did to its pixels, undone. Pixels are ARGB. Source: RFC 9649, section 3.5. */

export type Transform =
  | { readonly kind: 'green'; readonly width: number }
  | { readonly kind: 'indices'; readonly width: number; readonly palette: Uint32Array; readonly packing: number }
  | {
      readonly kind: 'predicted' | 'colours';
      readonly width: number;
      /** log2 of a block's side. */
      readonly block: number;
      readonly across: number;
      readonly blocks: Uint32Array;
    };

/** Pixels [height, width] before the transform. */
export function inverse(pixels: Uint32Array, transform: Transform, height: number): Uint32Array<ArrayBuffer> {
  const { width } = transform;
  if (transform.kind === 'indices') return fromIndices(pixels, transform, height);
  const out = new Uint32Array(pixels);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const argb = out[at]!;
      if (transform.kind === 'green') {
        out[at] = withRedAndBlue(argb, red(argb) + green(argb), blue(argb) + green(argb));
        continue;
      }
      const told = transform.blocks[(y >> transform.block) * transform.across + (x >> transform.block)]!;
      if (transform.kind === 'colours') out[at] = recoloured(argb, told);
      else out[at] = added(argb, predicted(out, x, y, width, green(told) & 15));
    }
  return out;
}

function fromIndices(
  pixels: Uint32Array,
  { width, palette, packing }: Extract<Transform, { kind: 'indices' }>,
  height: number,
): Uint32Array<ArrayBuffer> {
  const out = new Uint32Array(width * height);
  const [perPixel, bits] = [1 << packing, 8 >> packing];
  const across = Math.ceil(width / perPixel);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const packed = green(pixels[y * across + (x >> packing)]!);
      out[y * width + x] = palette[(packed >> (bits * (x & (perPixel - 1)))) & (2 ** bits - 1)] ?? 0;
    }
  return out;
}

const red = (argb: number): number => (argb >>> 16) & 255;
const green = (argb: number): number => (argb >>> 8) & 255;
const blue = (argb: number): number => argb & 255;
const signed = (byte: number): number => (byte << 24) >> 24;

const withRedAndBlue = (argb: number, r: number, b: number): number =>
  ((argb & 0xff00ff00) | ((r & 255) << 16) | (b & 255)) >>> 0;

function recoloured(argb: number, told: number): number {
  const [greenToRed, greenToBlue, redToBlue] = [signed(blue(told)), signed(green(told)), signed(red(told))];
  const g = signed(green(argb));
  const r = red(argb) + ((greenToRed * g) >> 5);
  return withRedAndBlue(argb, r, blue(argb) + ((greenToBlue * g) >> 5) + ((redToBlue * signed(r)) >> 5));
}

/** Channel by channel, from alpha to blue. */
function channels(of: (shift: number) => number): number {
  return ((of(24) << 24) | (of(16) << 16) | (of(8) << 8) | of(0)) >>> 0;
}
const channel = (argb: number, shift: number): number => (argb >>> shift) & 255;

const added = (a: number, b: number): number => channels((shift) => (channel(a, shift) + channel(b, shift)) & 255);
const mean = (a: number, b: number): number => channels((shift) => (channel(a, shift) + channel(b, shift)) >> 1);
const clamp = (v: number): number => Math.max(0, Math.min(255, v));

const BLACK = 0xff000000;

/** From the pixels left, above, above right and above left of one, which are done already. */
function predicted(done: Uint32Array, x: number, y: number, width: number, mode: number): number {
  const at = y * width + x;
  if (y === 0) return x === 0 ? BLACK : done[at - 1]!;
  const top = done[at - width]!;
  if (x === 0) return top;
  const [left, corner, beyond] = [done[at - 1]!, done[at - width - 1]!, done[at - width + 1]!];
  switch (mode) {
    case 1:
      return left;
    case 2:
      return top;
    case 3:
      return beyond;
    case 4:
      return corner;
    case 5:
      return mean(mean(left, beyond), top);
    case 6:
      return mean(left, corner);
    case 7:
      return mean(left, top);
    case 8:
      return mean(corner, top);
    case 9:
      return mean(top, beyond);
    case 10:
      return mean(mean(left, corner), mean(top, beyond));
    case 11:
      return nearer(left, top, corner);
    case 12:
      return channels((s) => clamp(channel(left, s) + channel(top, s) - channel(corner, s)));
    case 13: {
      const middle = mean(left, top);
      return channels((s) => clamp(channel(middle, s) + Math.trunc((channel(middle, s) - channel(corner, s)) / 2)));
    }
    default:
      return BLACK;
  }
}

/** Of left and top that which is nearer to left + top − corner, over all channels. */
function nearer(left: number, top: number, corner: number): number {
  let [toLeft, toTop] = [0, 0];
  for (const shift of [24, 16, 8, 0]) {
    toLeft += Math.abs(channel(top, shift) - channel(corner, shift));
    toTop += Math.abs(channel(left, shift) - channel(corner, shift));
  }
  return toLeft < toTop ? left : top;
}
