/** JSON Lines, read as a stream: one line in memory at a time, line numbers as an editor shows them. */

/** A line's value, or why it has none; a bad line does not end the file. */
export type JsonLine =
  | { readonly line: number; readonly ok: true; readonly value: unknown }
  | { readonly line: number; readonly ok: false; readonly reason: string };

type RawLine = { readonly line: number; readonly bytes: Uint8Array } | { readonly line: number; readonly bytes: null };

const NEWLINE = 10;

/** Cuts at \n. A line above `maxBytes` comes as null: it is dropped while reading, not held. */
async function* cutLines(blob: Blob, maxBytes: number): AsyncGenerator<RawLine> {
  let line = 1;
  let parts: Uint8Array[] = [];
  let held = 0;
  let tooLong = false;
  const keep = (part: Uint8Array) => {
    held += part.length;
    if (held > maxBytes) [tooLong, parts] = [true, []];
    else if (part.length) parts.push(part);
  };
  const finish = (): RawLine => {
    const bytes = new Uint8Array(tooLong ? 0 : held);
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    const raw: RawLine = tooLong ? { line, bytes: null } : { line, bytes };
    [line, parts, held, tooLong] = [line + 1, [], 0, false];
    return raw;
  };
  const reader = blob.stream().getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    let from = 0;
    for (let at = next.value.indexOf(NEWLINE); at >= 0; at = next.value.indexOf(NEWLINE, from)) {
      keep(next.value.subarray(from, at));
      yield finish();
      from = at + 1;
    }
    keep(next.value.slice(from));
  }
  if (held) yield finish();
}

/**
 * The lines of a JSONL file in order; blank lines are skipped and counted. A byte-order mark and \r\n are accepted.
 * Never throws for content.
 */
export async function* readJsonl(blob: Blob, maxLineBytes = 64 * 2 ** 20): AsyncGenerator<JsonLine> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  for await (const { line, bytes } of cutLines(blob, maxLineBytes)) {
    if (!bytes) {
      yield { line, ok: false, reason: `the line is longer than ${maxLineBytes} bytes` };
      continue;
    }
    if (
      line === 1 &&
      bytes.length > 1 &&
      ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff))
    ) {
      yield { line, ok: false, reason: 'the file is UTF-16, not UTF-8' };
      return; // every further line would say the same
    }
    let text: string;
    try {
      text = decoder.decode(bytes).trim(); // the decoder drops a byte-order mark
    } catch {
      yield { line, ok: false, reason: 'the line is not UTF-8' };
      continue;
    }
    if (text === '') continue;
    try {
      yield { line, ok: true, value: JSON.parse(text) };
    } catch (error) {
      yield { line, ok: false, reason: `not JSON: ${(error as Error).message}` };
    }
  }
}
