/**
 * A teacher: a model behind an OpenAI-compatible interface. It is asked as fast as it allows; what may pass is tried
 * again, what was answered once is never asked again, and what concerns every request ends the whole. Knows nothing of
 * boxes: which answers are good is said in train/synthesis.
 */
import { GroundworkError } from '../../base/error.ts';
import { onAbort } from '../../base/on-abort.ts';
import { Random } from '../../base/random.ts';
import type { TeacherAddress } from './address.ts';
import {
  chatBody,
  readChat,
  readModels,
  refusalOf,
  type ChatSettings,
  type ChatTurn,
  type TeacherReply,
} from './chat.ts';
import { Undelivered, type Courier, type Delivery } from './courier.ts';
import { askedToWait, ATTEMPTS, backOff, LONGEST_WAIT_MS, passes } from './patience.ts';
import { Pool } from './pool.ts';
import { replyKey, type ReplyCache } from './reply-cache.ts';

export interface Question {
  /** Id of the row. */
  readonly row: string;
  readonly turns: readonly ChatTurn[];
  /** Files of the pictures as `data:` addresses, by path; made when the request is sent. */
  pictures(): Promise<ReadonlyMap<string, string>>;
  /** SHA-256 of the files, hexadecimal, by path. */
  readonly digests: ReadonlyMap<string, string>;
  /** Number of the answer to the same question, from 0. */
  readonly sample: number;
}

/** An answer; or why there is none to this question, while others may be answered. */
export type Asked =
  | { readonly ok: true; readonly key: string; readonly reply: TeacherReply; readonly fromCache: boolean }
  | { readonly ok: false; readonly why: string };

export interface TeacherTrouble {
  readonly what: string;
  readonly waitMs: number;
}

/** What was done so far. Tokens are those of this session, not of the cache. */
export interface TeacherCounts {
  readonly requests: number;
  readonly retries: number;
  readonly replies: number;
  readonly fromCache: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly underWay: number;
  /** Requests that may be under way at once. */
  readonly limit: number;
}

export interface TeacherOptions {
  readonly address: TeacherAddress;
  readonly courier: Courier;
  readonly settings: ChatSettings;
  readonly cache: Pick<ReplyCache, 'get' | 'put'>;
  readonly concurrency: number;
  readonly seed: number;
  /** Default ten minutes: a large model thinks long. */
  readonly timeoutMs?: number;
  readonly onTrouble?: (trouble: TeacherTrouble | null) => void;
  /** Tests replace these. */
  readonly now?: () => number;
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
}

const TIMEOUT_MS = 10 * 60_000;
/** Questions refused in a row, none answered before, after which the fault is not the questions’. */
const REFUSED_IN_A_ROW = 4;
const SAFE = 'What was answered is kept: start again, and only the rest is asked.';

export class Teacher {
  readonly #options: Required<Omit<TeacherOptions, 'address'>>;
  readonly #where: string;
  readonly #pool: Pool;
  readonly #random: Random;
  #counts = { requests: 0, retries: 0, replies: 0, fromCache: 0, promptTokens: 0, completionTokens: 0 };
  #refused = 0;

  constructor({
    address,
    timeoutMs = TIMEOUT_MS,
    onTrouble = () => {},
    now = Date.now,
    sleep = pause,
    ...options
  }: TeacherOptions) {
    this.#options = { ...options, timeoutMs, onTrouble, now, sleep };
    this.#where = address.base;
    this.#pool = new Pool(options.concurrency, now, sleep);
    this.#random = new Random(options.seed);
  }

  get counts(): TeacherCounts {
    return { ...this.#counts, underWay: this.#pool.underWay, limit: this.#pool.limit };
  }

  /** Names of the models that it has; null: it does not say. Throws what `ask` throws. */
  async models(signal: AbortSignal): Promise<string[] | null> {
    const letter = { method: 'GET', path: '/models', timeoutMs: Math.min(20_000, this.#options.timeoutMs) } as const;
    try {
      const delivery = await this.#options.courier(letter, signal);
      if (delivery.status === 404 || delivery.status === 405) return null;
      if (delivery.status !== 200) throw this.#fatal(delivery) ?? this.#lasting(delivery);
      return readModels(delivery.text);
    } catch (error) {
      throw error instanceof Undelivered ? this.#unreachable(error) : error;
    }
  }

  /**
   * Rejects with the signal's reason, or with a GroundworkError for what concerns every question: `teacher-key`,
   * `teacher-missing`, `teacher-unreachable`, `teacher-cors`, `teacher-busy`, `teacher-quota`, `teacher-refuses`,
   * `teacher-malformed`. Everything that was answered is in the cache.
   */
  async ask(question: Question, signal: AbortSignal): Promise<Asked> {
    const { settings, cache } = this.#options;
    const key = replyKey(question.row, question.turns, question.digests, settings, question.sample);
    const known = cache.get(key);
    if (known) {
      this.#counts.fromCache++;
      return { ok: true, key, reply: known, fromCache: true };
    }
    let body: string | null = null;
    for (let attempt = 1; ; attempt++) {
      const epoch = await this.#pool.enter(signal);
      let failed: Failure;
      try {
        // Pictures of one question are some megabytes: they are read when it is its turn.
        body ??= chatBody(question.turns, await question.pictures(), settings, this.#options.seed + question.sample);
        const result = await this.#send(body, signal, epoch);
        if ('reply' in result) {
          await cache.put(key, result.reply);
          return { ok: true, key, reply: result.reply, fromCache: false };
        }
        if ('why' in result) return this.#refuse(result.why);
        failed = result;
      } finally {
        this.#pool.leave();
      }
      if (attempt === ATTEMPTS) throw failed.lasting();
      const waitMs = backOff(attempt, failed.asked, this.#random.uniform());
      if (failed.asked !== null) this.#pool.closeFor(waitMs);
      this.#counts.retries++;
      this.#options.onTrouble({ what: failed.what, waitMs });
      await this.#options.sleep(waitMs, signal);
    }
  }

  async #send(
    body: string,
    signal: AbortSignal,
    epoch: number,
  ): Promise<{ reply: TeacherReply } | { why: string } | Failure> {
    this.#counts.requests++;
    let delivery: Delivery;
    try {
      delivery = await this.#options.courier(
        { method: 'POST', path: '/chat/completions', body, timeoutMs: this.#options.timeoutMs },
        signal,
      );
    } catch (error) {
      if (!(error instanceof Undelivered)) throw error;
      // A page that is not let in once is not let in later.
      if (error.why === 'refused') throw this.#unreachable(error);
      const what = error.why === 'slow' ? 'did not answer in time' : 'could not be reached, or broke off';
      return { what, asked: null, lasting: () => this.#unreachable(error) };
    }
    const { status, retryAfter, text } = delivery;
    if (status === 200) {
      const reply = readChat(text);
      if (!reply)
        return { what: 'gave an answer that cannot be read', asked: null, lasting: () => this.#malformed(text) };
      this.#refused = 0;
      this.#counts.replies++;
      this.#counts.promptTokens += reply.promptTokens;
      this.#counts.completionTokens += reply.completionTokens;
      this.#pool.succeeded();
      this.#options.onTrouble(null);
      return { reply };
    }
    const fatal = this.#fatal(delivery);
    if (fatal) throw fatal;
    if (status === 413) return { why: 'the pictures are too large for the teacher (status 413)' };
    if (!passes(status)) return { why: `the teacher refused it (status ${status})${quoted(text)}` };
    if (status === 429) this.#pool.tooMany(epoch);
    const asked = askedToWait(retryAfter, this.#options.now());
    if (asked !== null && asked > LONGEST_WAIT_MS)
      throw new GroundworkError(
        'teacher-busy',
        `${this.#where} asks to wait ${Math.ceil(asked / 60_000)} minutes (status ${status}).`,
        SAFE,
      );
    const what = status === 429 ? 'has too many requests' : `has a problem (status ${status})`;
    return { what, asked, lasting: () => this.#lasting(delivery) };
  }

  #refuse(why: string): Asked {
    if (this.#counts.replies === 0 && ++this.#refused >= REFUSED_IN_A_ROW)
      throw new GroundworkError(
        'teacher-refuses',
        `${this.#where} refused the first ${REFUSED_IN_A_ROW} questions: ${why}.`,
        'Check that the model takes several pictures, and that its context is long enough for them. Smaller pictures need less.',
      );
    return { ok: false, why };
  }

  /** What is the same for every question. */
  #fatal({ status, text }: Delivery): GroundworkError | null {
    const { said, code } = refusalOf(text);
    if (status === 401 || status === 403)
      return new GroundworkError(
        'teacher-key',
        `${this.#where} does not let us in (status ${status})${quoted(text)}.`,
        'Check the key. Ollama answers 403 to a page whose address is not in OLLAMA_ORIGINS.',
      );
    if (status === 404)
      return new GroundworkError(
        'teacher-missing',
        `${this.#where} does not know the model “${this.#options.settings.model}”, or this address${quoted(text)}.`,
        'Check the model’s name and the address. Most servers list their models at /v1/models.',
      );
    if (status === 402 || code === 'insufficient_quota')
      return new GroundworkError('teacher-quota', `The account at ${this.#where} is used up: ${said}`, SAFE);
    return null;
  }

  #lasting({ status, text }: Delivery): GroundworkError {
    return new GroundworkError(
      'teacher-busy',
      `${this.#where} does not answer: status ${status}${quoted(text)}.`,
      `${status === 429 ? 'Allow fewer requests at once. ' : ''}${SAFE}`,
    );
  }

  #malformed(text: string): GroundworkError {
    return new GroundworkError(
      'teacher-malformed',
      `What ${this.#where} answers is no whole chat completion${quoted(text)}.`,
      `Check that the address is that of an OpenAI-compatible interface. ${SAFE}`,
    );
  }

  #unreachable({ why, cause }: Undelivered): GroundworkError {
    if (why === 'refused')
      return new GroundworkError(
        'teacher-cors',
        `There is a server at ${this.#where}, but it does not let this page in (CORS).`,
        'Switch CORS on for this page’s address: docs/teacher.md says how for vLLM, llama.cpp, Ollama and LM Studio.',
        { cause },
      );
    return new GroundworkError(
      'teacher-unreachable',
      why === 'slow' ? `${this.#where} did not answer in time.` : `There is no whole answer from ${this.#where}.`,
      `Check that the server runs and the address is right. ${SAFE}`,
      { cause },
    );
  }
}

/** The model to ask: the one that was named, or the only one there is. Throws `teacher-model`. */
export function chosenModel(named: string, models: readonly string[] | null): string {
  const wanted = named.trim();
  if (wanted !== '') {
    // Ollama lists names with their tags.
    return models !== null && !models.includes(wanted) && models.includes(`${wanted}:latest`)
      ? `${wanted}:latest`
      : wanted;
  }
  if (models?.length === 1) return models[0]!;
  throw new GroundworkError(
    'teacher-model',
    models === null
      ? 'The teacher does not list its models.'
      : models.length === 0
        ? 'The teacher has no model.'
        : `The teacher has ${models.length} models: ${models.join(', ')}.`,
    models?.length === 0
      ? 'Load a model in the server that sees pictures.'
      : 'Name the one to ask. It must see pictures.',
  );
}

/** A failure that may pass. */
interface Failure {
  readonly what: string;
  /** Milliseconds that the server asks to wait. */
  readonly asked: number | null;
  /** What it is if it does not pass. */
  lasting(): GroundworkError;
}

function quoted(text: string): string {
  const { said } = refusalOf(text);
  return said === '' ? '' : `: “${said.replace(/[.\s]+$/, '')}”`;
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      forget();
      resolve();
    }, ms);
    const forget = onAbort(signal, () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    });
  });
