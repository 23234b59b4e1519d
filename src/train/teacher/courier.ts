/**
 * What carries a request to a teacher and its answer back. The client knows no key and opens no connection: under Node a
 * courier over `fetch` does, in the browser one in a frame of its own.
 */
import { GroundworkError } from '../../base/error.ts';
import type { TeacherAddress } from './address.ts';

export interface Letter {
  readonly method: 'GET' | 'POST';
  /** Below the teacher's base: `/chat/completions`. */
  readonly path: string;
  /** JSON. */
  readonly body?: string;
  /** An answer that is not there whole by then is given up. */
  readonly timeoutMs: number;
}

export interface Delivery {
  readonly status: number;
  /** The header of that name, where it may be read. */
  readonly retryAfter: string | null;
  readonly text: string;
}

/** Rejects with `Undelivered`, or with the signal's reason. */
export type Courier = (letter: Letter, signal: AbortSignal) => Promise<Delivery>;

/** No whole answer came. */
export class Undelivered extends Error {
  /** `slow`: not in time. `broken`: no connection, or one that broke off. `refused`: the server lets no page in (CORS). */
  readonly why: 'slow' | 'broken' | 'refused';

  constructor(why: Undelivered['why'], cause?: unknown) {
    super(`undelivered: ${why}`, { cause });
    this.why = why;
  }
}

/** Answers longer than this are no chat completions. */
const LONGEST = 16 * 2 ** 20;

/**
 * @param key of the teacher; null: it wants none, and no header is sent
 */
export function fetchCourier(
  { base }: TeacherAddress,
  key: string | null,
  fetch: typeof globalThis.fetch = globalThis.fetch,
): Courier {
  if (key !== null && !/^[\x21-\x7e]+$/.test(key))
    throw new GroundworkError(
      'teacher-key',
      'The key holds characters that no key has.',
      'Copy it again, without spaces.',
    );
  return async ({ method, path, body, timeoutMs }, signal) => {
    const late = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(base + path, {
        method,
        // Pictures and key are for the address that was named, and for none that it names.
        redirect: 'error',
        headers: {
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...(key !== null && { authorization: `Bearer ${key}` }),
        },
        ...(body !== undefined && { body }),
        signal: AbortSignal.any([signal, late]),
      });
      const retryAfter = response.headers.get('retry-after');
      return { status: response.status, retryAfter, text: withoutKey(await readText(response), key) };
    } catch (cause) {
      if (signal.aborted) throw signal.reason;
      throw new Undelivered(late.aborted ? 'slow' : 'broken', cause);
    }
  };
}

/** A server may repeat the key that it refuses: what is shown, kept or logged never holds it. */
export const withoutKey = (text: string, key: string | null): string =>
  key === null ? text : text.replaceAll(key, '•••');

async function readText(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = '';
  for (let bytes = 0; ;) {
    const { done, value } = (await reader?.read()) ?? { done: true };
    if (done) return text + decoder.decode();
    bytes += value!.byteLength;
    if (bytes > LONGEST) {
      await reader!.cancel();
      throw new Error('the answer is too long');
    }
    text += decoder.decode(value, { stream: true });
  }
}
