/**
 * In which characters a zip's names are written. With the UTF-8 flag, or the Unicode path field (0x7075), the archive
 * says so. Without, APPNOTE (appendix D) says code page 437, and archivers of East Asian systems write their own code
 * page all the same: the bytes of all names together tell which.
 */

/** The upper half of code page 437 (Unicode's CP437.TXT). */
const CP437 =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■ ';

const decodeCp437 = (bytes: Uint8Array): string =>
  Array.from(bytes, (b) => (b < 128 ? String.fromCharCode(b) : CP437[b - 128]!)).join('');

/** Bytes that are no UTF-8 → their characters, where an encoding has any for them. */
export type NameDecoder = (bytes: Uint8Array) => string;

interface Candidate {
  readonly name: string;
  readonly decode: NameDecoder;
  /** How likely a two-byte character, or one byte of a single-byte page, is in a name: 1 common … −1 odd. */
  weigh(lead: number, trail: number | null, before: string, after: string): number;
}

const isLetter = (c: string): boolean => /[a-z]/i.test(c);
const between = (n: number, from: number, to: number): boolean => n >= from && n <= to;

/** Ideographs among Latin letters are rare; letters with accents stand nowhere else. */
const alone = (before: string, after: string): number => (isLetter(before) || isLetter(after) ? 0 : 1);

function multibyte(name: string, label: string, common: (lead: number) => boolean): Candidate {
  const decoder = new TextDecoder(label, { fatal: true });
  return {
    name,
    decode: (bytes) => decoder.decode(bytes),
    weigh: (lead, trail, before, after) => (trail !== null && common(lead) ? alone(before, after) : -1),
  };
}

/** Of two that are as likely the first: the norm's own. */
const CANDIDATES: readonly Candidate[] = [
  {
    name: 'code page 437',
    decode: decodeCp437,
    weigh: (byte, _, before, after) => {
      const c = CP437[byte - 128]!;
      if (!/\p{Script=Latin}/u.test(c) || 'ªºⁿƒ'.includes(c)) return -1;
      // A small letter is not followed by a capital one within a word.
      if (/\p{Lowercase}/u.test(c) && /[A-Z]/.test(after)) return -1;
      return isLetter(before) || isLetter(after) ? 1 : 0;
    },
  },
  // The first level of each standard: the characters in common use.
  multibyte('GBK', 'gb18030', (lead) => between(lead, 0xb0, 0xd7)),
  multibyte('Shift-JIS', 'shift_jis', (lead) => between(lead, 0x81, 0x83) || between(lead, 0x88, 0x97)),
  multibyte('Big5', 'big5', (lead) => between(lead, 0xa4, 0xc6)),
  multibyte('EUC-KR', 'euc-kr', (lead) => between(lead, 0xb0, 0xc8)),
];

/** Hangul lies where half of the common ideographs of GBK lie: so many bytes of nothing else are Hangul. */
const ENOUGH_HANGUL = 12;

/** Mean weight of the bytes beyond ASCII; null if the names are not of this encoding. */
function score(candidate: Candidate, names: readonly Uint8Array[]): number | null {
  const single = candidate.decode === decodeCp437;
  let [sum, bytes] = [0, 0];
  for (const name of names) {
    try {
      candidate.decode(name);
    } catch {
      return null;
    }
    for (let i = 0; i < name.length; i++) {
      const lead = name[i]!;
      if (lead < 128) continue;
      // Shift-JIS has katakana of one byte.
      const one = single || (candidate.name === 'Shift-JIS' && between(lead, 0xa1, 0xdf));
      const next = i + (one ? 1 : 2);
      const char = (at: number) =>
        at >= 0 && at < name.length && name[at]! < 128 ? String.fromCharCode(name[at]!) : '';
      const length = next - i;
      sum += length * candidate.weigh(lead, one ? null : (name[i + 1] ?? 0), char(i - 1), char(next));
      bytes += length;
      i = next - 1;
    }
  }
  if (candidate.name === 'EUC-KR' && bytes >= ENOUGH_HANGUL && sum === bytes) return 1.01;
  return bytes ? sum / bytes : 0;
}

/** The encoding of names that are no UTF-8, judged from some of them. */
export function nameEncoding(names: readonly Uint8Array[]): { readonly name: string; readonly decode: NameDecoder } {
  let best = CANDIDATES[0]!;
  let most = -Infinity;
  for (const candidate of CANDIDATES) {
    const own = score(candidate, names);
    if (own !== null && own > most) [best, most] = [candidate, own];
  }
  return best;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Throws where the bytes are no UTF-8. */
export const decodeUtf8: NameDecoder = (bytes) => utf8.decode(bytes);

/** null where the bytes are no UTF-8. */
export function asUtf8(bytes: Uint8Array): string | null {
  try {
    return decodeUtf8(bytes);
  } catch {
    return null;
  }
}

/** The name in UTF-8 that Info-ZIP writes beside the other (APPNOTE 4.6.9, version 1); null if there is none. */
export function unicodePath(extra: DataView): string | null {
  for (let i = 0; i + 4 <= extra.byteLength;) {
    const end = i + 4 + extra.getUint16(i + 2, true);
    if (extra.getUint16(i, true) === 0x7075 && end <= extra.byteLength && end - i > 9 && extra.getUint8(i + 4) === 1)
      return asUtf8(new Uint8Array(extra.buffer, extra.byteOffset + i + 9, end - i - 9));
    i = end;
  }
  return null;
}
