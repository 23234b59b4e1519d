/** JSON Lines: where the lines are, as an editor numbers them. */
import { ElementIndex, readChunks } from './element-index.ts';

const NEWLINE = 10;
const blank = (bytes: Uint8Array): boolean => bytes.every((c) => c === 32 || c === 9 || c === 13);

/** A file with two-byte characters, told by its byte-order mark. */
export async function isUtf16(blob: Blob): Promise<boolean> {
  const [a, b] = new Uint8Array(await blob.slice(0, 2).arrayBuffer());
  return (a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff);
}

/** The lines that are not blank. */
export async function indexLines(blob: Blob, tell?: (bytes: number) => void): Promise<ElementIndex> {
  const index = new ElementIndex();
  let line = 1;
  let start = 0;
  /** Whether the line begun in an earlier chunk has anything but spaces there. */
  let content = false;
  for await (const { at, bytes } of readChunks(blob, tell)) {
    let from = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
      if (content || !blank(bytes.subarray(from, end))) index.add(start, at + end, line);
      [from, start, content] = [end + 1, at + end + 1, false];
      line++;
    }
    content ||= !blank(bytes.subarray(from));
  }
  if (content) index.add(start, blob.size, line);
  return index;
}

export type ParsedJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly reason: string };

/** Longer than any row could be: it is not read into memory. */
export const MAX_ELEMENT = 64 * 2 ** 20;

const decoder = new TextDecoder('utf-8', { fatal: true });

/** One element's value, or why it has none. Never throws. */
export function parseJson(bytes: Uint8Array): ParsedJson {
  let text: string;
  try {
    text = decoder.decode(bytes); // drops a byte-order mark
  } catch {
    return { ok: false, reason: 'it is not UTF-8' };
  }
  try {
    return { ok: true, value: JSON.parse(text) as unknown };
  } catch (error) {
    return { ok: false, reason: `not JSON: ${(error as Error).message}` };
  }
}
