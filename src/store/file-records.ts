/**
 * Records as JSON files, where there is no database: the command line's folder, and tests. The first line of each holds
 * the digest of the rest; files of older versions have none, and are believed if they can be read.
 */
import { parseJson, writeJson } from '../base/json.ts';
import { sequence } from '../base/sequence.ts';
import { textDigest } from './digest.ts';
import type { FileStore } from './file-store.ts';
import {
  cutPiece,
  DamageList,
  isPiece,
  isRecord,
  type LogPiece,
  type RecordKind,
  type Records,
  type StoredRecord,
} from './records.ts';

const HEAD = 'groundwork record ';

const sealed = async (value: unknown): Promise<string> => {
  const text = writeJson(value);
  return `${HEAD}${await textDigest(text)}\n${text}`;
};

/** What was sealed; undefined for anything else. */
async function unsealed(text: string): Promise<unknown> {
  try {
    if (!text.startsWith(HEAD)) return parseJson(text);
    const end = text.indexOf('\n');
    const body = text.slice(end + 1);
    return text.slice(HEAD.length, end) === (await textDigest(body)) ? parseJson(body) : undefined;
  } catch {
    return undefined;
  }
}

/** Before a file counts as damaged. */
const LOOKS = 3;

/** Damaged files are moved below this folder; nothing is ever read there. */
const ASIDE = 'damaged';

export function fileRecords(files: FileStore): Records {
  const damages = new DamageList();
  /** Null for a file that is not there, or that is damaged: then it is set aside. */
  const read = async <T>(
    path: string,
    about: { readonly kind: RecordKind | 'log'; readonly id: string },
    sound: (value: unknown) => boolean,
  ): Promise<T | null> => {
    // One that is replaced while it is read cannot be read, and is whole at the next look.
    for (let look = 0; look < LOOKS; look++) {
      const blob = await files.blob(path);
      if (!blob) return null;
      const value = await blob.text().then(unsealed, () => undefined);
      if (sound(value)) return value as T;
    }
    const keptAt = `${ASIDE}/${path.replaceAll('/', '-')}`;
    await files.rename(path, keptAt).catch(() => undefined);
    damages.add({ ...about, keptAt });
    return null;
  };
  const within = async (folder: string) =>
    (await files.list())
      .map(({ path }) => path)
      .filter((path) => path.startsWith(`${folder}/`) && path.endsWith('.json'))
      .sort();
  const recordPath = (kind: RecordKind, id: string) => `records/${kind}/${id}.json`;
  const readRecord = <T extends StoredRecord>(kind: RecordKind, id: string) =>
    read<T>(recordPath(kind, id), { kind, id }, (value) => isRecord(value) && value.id === id);
  const piecePath = (run: string, from: number) => `records/log/${run}/${String(from).padStart(9, '0')}.json`;
  const log = async (run: string) => {
    const pieces: LogPiece[] = [];
    for (const path of await within(`records/log/${run}`)) {
      const sound = (value: unknown) => isPiece(value) && piecePath(run, value.from) === path;
      const piece = await read<LogPiece>(path, { kind: 'log', id: run }, sound);
      if (piece) pieces.push(piece);
    }
    return pieces;
  };
  const put = async (kind: RecordKind, record: StoredRecord) =>
    files.writeText(recordPath(kind, record.id), await sealed(record));
  // One process has a folder, so its own order is enough.
  const inTurn = sequence();
  return {
    all: async <T extends StoredRecord>(kind: RecordKind) => {
      const records: T[] = [];
      for (const path of await within(`records/${kind}`)) {
        const record = await readRecord<T>(kind, path.slice(`records/${kind}/`.length, -'.json'.length));
        if (record) records.push(record);
      }
      return records;
    },
    get: readRecord,
    put,
    update: <T extends StoredRecord>(kind: RecordKind, id: string, change: (before: T | null) => T) =>
      inTurn(async () => {
        const after = change(await readRecord<T>(kind, id));
        await put(kind, after);
        return after;
      }),
    async remove(kind, id) {
      await files.remove(recordPath(kind, id));
      if (kind === 'runs') await files.remove(`records/log/${id}`);
    },
    append: async (run, piece) => files.writeText(piecePath(run, piece.from), await sealed(piece)),
    log,
    async cut(run, from) {
      for (const piece of await log(run)) {
        const left = cutPiece(piece, from);
        if (!left) await files.remove(piecePath(run, piece.from));
        else if (left.entries.length < piece.entries.length)
          await files.writeText(piecePath(run, piece.from), await sealed(left));
      }
    },
    onDamage: damages.listen,
  };
}
