/**
 * A picture file without its transparency: the same colours, wherever they lie. A canvas multiplies colours by alpha and
 * cannot give them back, while Pillow keeps those of what is transparent; so alpha is taken out before decoding.
 * Source: the WebP container specification (RFC 9649); ISO/IEC 23000-22 for the alpha of AVIF.
 */

const text = (bytes: Uint8Array, at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));

/** The pixels of a WebP's first frame, without alpha or EXIF: a file of its own, or the content of a lossless chunk. */
export interface OpaqueWebp {
  readonly lossless: boolean;
  readonly data: Uint8Array<ArrayBuffer>;
}

/** Null where the first frame is not the whole picture, or nothing is found. */
export function opaqueWebp(bytes: Uint8Array): OpaqueWebp | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let canvas: string | null = null;
  for (let at = 12; at + 8 <= bytes.length;) {
    const [kind, size] = [text(bytes, at), view.getUint32(at + 4, true)];
    if (kind === 'VP8L') return { lossless: true, data: bytes.slice(at + 8, at + 8 + size) };
    if (kind === 'VP8 ') return { lossless: false, data: alone(bytes.subarray(at, at + 8 + size + (size & 1))) };
    if (kind === 'VP8X') canvas = bytes.slice(at + 12, at + 18).join();
    // A frame of a moving picture: its place, its size, and chunks of its own.
    if (kind === 'ANMF') {
      const [place, extent] = [bytes.slice(at + 8, at + 14).join(), bytes.slice(at + 14, at + 20).join()];
      if (place !== '0,0,0,0,0,0' || extent !== canvas) return null;
      at += 24;
    } else at += 8 + size + (size & 1);
  }
  return null;
}

function alone(chunk: Uint8Array): Uint8Array<ArrayBuffer> {
  const file = new Uint8Array(12 + chunk.length);
  file.set([0x52, 0x49, 0x46, 0x46, 0, 0, 0, 0, 0x57, 0x45, 0x42, 0x50]); // RIFF, its size, WEBP
  new DataView(file.buffer).setUint32(4, 4 + chunk.length, true);
  file.set(chunk, 12);
  return file;
}

/** An AVIF whose picture refers to no alpha. */
export function opaqueAvif(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes);
  const view = new DataView(copy.buffer);
  for (let at = 0; at + 8 <= copy.length;) {
    const size = view.getUint32(at);
    if (size < 8) break;
    if (text(copy, at + 4) === 'meta') {
      const end = Math.min(copy.length, at + size);
      for (let i = at + 8; i + 4 <= end; i++) if (text(copy, i) === 'auxl') copy.set([0x66, 0x72, 0x65, 0x65], i); // “free”: a reference that means nothing
    }
    at += size;
  }
  return copy;
}
