/**
 * Replies that were paid for, kept in a file that only grows: a line a reply, by a key of everything that it depends on.
 * A line that was cut off by a crash is left out, and the next one begins on a line of its own.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { FileStore, FileWriter } from '../../store/file-store.ts';
import type { ChatSettings, ChatTurn, TeacherReply } from './chat.ts';

/** Of the lines' form. Replies of another one are not found, and are left where they are. */
const VERSION = 1;

/**
 * @param row its id
 * @param digests of the pictures' files, by path
 * @param sample number of the answer to the same question, from 0
 */
export function replyKey(
  row: string,
  turns: readonly ChatTurn[],
  digests: ReadonlyMap<string, string>,
  { model, temperature, topP, maxTokens }: ChatSettings,
  sample: number,
): string {
  const asked = turns.map(({ role, parts }) => [
    role,
    parts.map((part) => (part.type === 'text' ? part.text : { picture: digests.get(part.path)! })),
  ]);
  const content = JSON.stringify([VERSION, row, asked, model, temperature, topP, maxTokens, sample]);
  return bytesToHex(sha256(utf8ToBytes(content)));
}

export class ReplyCache {
  readonly #replies: Map<string, TeacherReply>;
  readonly #writer: FileWriter;
  #end: number;
  /** Lines are written one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(replies: Map<string, TeacherReply>, writer: FileWriter, end: number) {
    this.#replies = replies;
    this.#writer = writer;
    this.#end = end;
  }

  /** Throws `storage-busy` while another tab or process has it open. */
  static async open(files: FileStore, path: string): Promise<ReplyCache> {
    // What is open for writing cannot be read everywhere.
    const blob = await files.blob(path);
    const writer = await files.open(path);
    const replies = new Map<string, TeacherReply>();
    const text = blob ? await blob.text() : '';
    for (const line of text.split('\n')) {
      const entry = lineOf(line);
      if (entry) replies.set(entry.key, entry.reply);
    }
    const cache = new ReplyCache(replies, writer, blob?.size ?? 0);
    if (text !== '' && !text.endsWith('\n')) await cache.#write('\n');
    return cache;
  }

  get size(): number {
    return this.#replies.size;
  }

  get(key: string): TeacherReply | null {
    return this.#replies.get(key) ?? null;
  }

  /** On disk when it resolves. */
  async put(key: string, reply: TeacherReply): Promise<void> {
    this.#replies.set(key, reply);
    await this.#write(`${JSON.stringify({ v: VERSION, key, reply })}\n`);
  }

  async close(): Promise<void> {
    await this.#turn;
    await this.#writer.close();
  }

  #write(line: string): Promise<void> {
    const done = this.#turn.then(async () => {
      const bytes = new TextEncoder().encode(line);
      await this.#writer.write(this.#end, bytes);
      this.#end += bytes.byteLength;
      await this.#writer.flush();
    });
    this.#turn = done.catch(() => undefined);
    return done;
  }
}

function lineOf(line: string): { readonly key: string; readonly reply: TeacherReply } | null {
  if (line.trim() === '') return null;
  try {
    const { v, key, reply } = JSON.parse(line) as { v: unknown; key: unknown; reply: Partial<TeacherReply> };
    const whole =
      v === VERSION &&
      typeof key === 'string' &&
      (reply.thought === null || typeof reply.thought === 'string') &&
      typeof reply.content === 'string' &&
      typeof reply.finished === 'boolean' &&
      typeof reply.promptTokens === 'number' &&
      typeof reply.completionTokens === 'number';
    return whole ? { key, reply: reply as TeacherReply } : null;
  } catch {
    return null;
  }
}
