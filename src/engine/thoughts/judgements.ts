/** What a person said of a teacher's replies, by the replies' keys: it is found again after a restart. */
import { isObject, parseShallow } from '../../base/json.ts';
import type { FileStore } from '../../store/file-store.ts';
import type { Verdict } from '../protocol/thoughts.ts';

export interface Judgement {
  readonly verdict: Verdict;
  /** The thought as the person has written it. */
  readonly words?: string;
}

export class Judgements {
  readonly #files: FileStore;
  readonly #path: string;
  readonly #said: Map<string, Judgement>;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(files: FileStore, path: string, said: Map<string, Judgement>) {
    this.#files = files;
    this.#path = path;
    this.#said = said;
  }

  static async open(files: FileStore, path: string): Promise<Judgements> {
    const text = await (await files.blob(path))?.text();
    return new Judgements(files, path, new Map(Object.entries(saidIn(text ?? ''))));
  }

  get(key: string): Judgement {
    return this.#said.get(key) ?? { verdict: null };
  }

  set(key: string, judgement: Judgement): Promise<void> {
    this.#said.set(key, judgement);
    const text = JSON.stringify(Object.fromEntries(this.#said));
    const written = this.#turn.then(() => this.#files.writeText(this.#path, text));
    this.#turn = written.catch(() => undefined);
    return written;
  }
}

const VERDICTS: readonly unknown[] = ['accepted', 'rejected', null];

/** What can be read of a file. One that was cut off, or is of another kind, holds nothing that was said here. */
function saidIn(text: string): Record<string, Judgement> {
  let value: unknown;
  try {
    value = parseShallow(text);
  } catch {
    return {};
  }
  const entries = isObject(value) ? Object.entries(value) : [];
  return Object.fromEntries(entries.filter((entry): entry is [string, Judgement] => isJudgement(entry[1])));
}

function isJudgement(value: unknown): value is Judgement {
  if (!isObject(value)) return false;
  const { verdict, words } = value;
  return VERDICTS.includes(verdict) && (words === undefined || typeof words === 'string');
}
