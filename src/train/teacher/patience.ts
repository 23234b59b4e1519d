/** When a request is made again, and after how long: exponential back-off with full jitter, and what the server asks for. */

/** Attempts of one request. */
export const ATTEMPTS = 7;
const FIRST_MS = 1000;
const MOST_MS = 60_000;
/** A server that asks for more patience than this is told to the user instead. */
export const LONGEST_WAIT_MS = 10 * 60_000;

/** Statuses that may pass. */
export const passes = (status: number): boolean =>
  status === 408 || status === 409 || status === 425 || status === 429 || status >= 500;

/**
 * Milliseconds that a Retry-After asks for, in either of its forms (RFC 9110, 10.2.3); null: none that can be read. A date
 * that is past asks for nothing.
 */
export function askedToWait(retryAfter: string | null, now: number): number | null {
  const text = retryAfter?.trim() ?? '';
  if (/^\d+(?:\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1000);
  // A date of any form has letters: “-5” is none, whatever Date.parse makes of it.
  const date = /[a-z]/i.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}

/**
 * @param attempt that failed, from 1
 * @param uniform in [0, 1)
 */
export function backOff(attempt: number, asked: number | null, uniform: number): number {
  const most = Math.min(MOST_MS, FIRST_MS * 2 ** (attempt - 1));
  // Who was told when to come does not come together with everyone else who was told so.
  return asked === null ? Math.ceil(uniform * most) : asked + Math.ceil(uniform * Math.min(FIRST_MS, asked));
}
