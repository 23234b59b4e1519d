/** Text files of two bytes a character, as PowerShell, .NET and Excel write them: told from their beginning, and read as UTF-8. */

type Utf16 = 'utf-16le' | 'utf-16be';

/**
 * By the byte-order mark; without one by the zeros: rows begin with characters of ASCII, so every second byte of the
 * beginning is zero and no other (RFC 4627, §3).
 */
export async function utf16Of(blob: Blob): Promise<Utf16 | null> {
  const [a, b, c, d] = new Uint8Array(await blob.slice(0, 4).arrayBuffer());
  if (a === 0xff && b === 0xfe) return 'utf-16le';
  if (a === 0xfe && b === 0xff) return 'utf-16be';
  if (a === undefined || b === undefined || c === undefined || d === undefined) return null;
  if (a !== 0 && b === 0 && c !== 0 && d === 0) return 'utf-16le';
  if (a === 0 && b !== 0 && c === 0 && d !== 0) return 'utf-16be';
  return null;
}

const PIECE = 4 * 2 ** 20;

/** The same text as UTF-8, without its byte-order mark. What is no character becomes U+FFFD. */
export async function fromUtf16(blob: Blob, encoding: Utf16): Promise<Blob> {
  const decoder = new TextDecoder(encoding);
  const pieces: Blob[] = [];
  for (let at = 0; at < blob.size; at += PIECE) {
    const bytes = await blob.slice(at, at + PIECE).arrayBuffer();
    pieces.push(new Blob([decoder.decode(bytes, { stream: at + PIECE < blob.size })]));
  }
  return new Blob(pieces);
}
