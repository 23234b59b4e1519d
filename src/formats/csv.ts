/** Where the records of a table of comma-separated values are. */
import { delimiterOf, firstLine, RecordEnds } from '../base/csv.ts';
import { ElementIndex, readChunks } from './element-index.ts';

const NEWLINE = 10;
/** Most bytes of a header in which the delimiter is looked for. */
const HEAD = 64 * 1024;

/** The records, the header among them. A line break inside quotes belongs to the record. */
export async function indexCsv(blob: Blob, tell?: (bytes: number) => void): Promise<ElementIndex> {
  const index = new ElementIndex();
  const head = new TextDecoder('latin1').decode(await blob.slice(0, HEAD).arrayBuffer());
  const mark = head.startsWith('\xef\xbb\xbf') ? 3 : 0;
  const ends = new RecordEnds(delimiterOf(firstLine(head)));
  let [line, startLine, start, content] = [1, 1, 0, false];
  for await (const { at, bytes } of readChunks(blob, tell))
    for (let i = at < mark ? mark - at : 0; i < bytes.length; i++) {
      const c = bytes[i]!;
      const ended = ends.take(c);
      if (c === NEWLINE) {
        line++;
        if (!ended) continue;
        if (content) index.add(start, at + i, startLine);
        [start, startLine, content] = [at + i + 1, line, false];
      } else if (c !== 13 && c !== 32) content = true;
    }
  if (content) index.add(start, blob.size, startLine);
  return index;
}
