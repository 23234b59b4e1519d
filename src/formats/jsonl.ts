/** JSON Lines: where the lines are, as an editor numbers them. */
import { parseShallow } from '../base/json.ts';
import { ElementIndex, readChunks } from './element-index.ts';

const NEWLINE = 10;
const blank = (bytes: Uint8Array): boolean => bytes.every((c) => c === 32 || c === 9 || c === 13);

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
    return { ok: true, value: parseShallow(text) };
  } catch (error) {
    const finite = withoutNaN(text);
    if (finite !== null)
      try {
        return { ok: true, value: parseShallow(finite) };
      } catch {
        // What is wrong is told of the text as it is.
      }
    return { ok: false, reason: `not JSON: ${short((error as Error).message)}` };
  }
}

/** Engines quote the text around an error, however long it is. */
const short = (message: string): string => (message.length > 200 ? `${message.slice(0, 200)}…` : message);

/** Python and pandas write NaN and Infinity, which JSON does not know: as null. Null where the text has none. */
function withoutNaN(text: string): string | null {
  let found = false;
  const finite = text.replace(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/gs, (part) => {
    if (part.startsWith('"')) return part;
    found = true;
    return 'null';
  });
  return found ? finite : null;
}
