/** Records as JSON files, where there is no database: the command line's folder, and tests. */
import { parseJson, writeJson } from '../base/json.ts';
import type { FileStore } from './file-store.ts';
import { cutPiece, type LogPiece, type RecordKind, type Records, type StoredRecord } from './records.ts';

export function fileRecords(files: FileStore): Records {
  const read = async <T>(path: string) => {
    const text = await (await files.blob(path))?.text();
    return text === undefined ? null : (parseJson(text) as T);
  };
  const within = async (folder: string) =>
    (await files.list())
      .map(({ path }) => path)
      .filter((path) => path.startsWith(`${folder}/`) && path.endsWith('.json'));
  const recordPath = (kind: RecordKind, id: string) => `records/${kind}/${id}.json`;
  const piecePath = (run: string, from: number) => `records/log/${run}/${String(from).padStart(9, '0')}.json`;
  const log = async (run: string) => {
    const pieces: LogPiece[] = [];
    for (const path of (await within(`records/log/${run}`)).sort()) pieces.push((await read<LogPiece>(path))!);
    return pieces;
  };
  return {
    all: async <T extends StoredRecord>(kind: RecordKind) => {
      const records: T[] = [];
      for (const path of await within(`records/${kind}`)) records.push((await read<T>(path))!);
      return records;
    },
    get: <T extends StoredRecord>(kind: RecordKind, id: string) => read<T>(recordPath(kind, id)),
    put: (kind, record) => files.writeText(recordPath(kind, record.id), writeJson(record)),
    async remove(kind, id) {
      await files.remove(recordPath(kind, id));
      if (kind === 'runs') await files.remove(`records/log/${id}`);
    },
    append: (run, piece) => files.writeText(piecePath(run, piece.from), writeJson(piece)),
    log,
    async cut(run, from) {
      for (const piece of await log(run)) {
        const left = cutPiece(piece, from);
        if (!left) await files.remove(piecePath(run, piece.from));
        else if (left.entries.length < piece.entries.length)
          await files.writeText(piecePath(run, piece.from), writeJson(left));
      }
    },
  };
}
