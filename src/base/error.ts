/**
 * One error class for the whole house. `code` is stable and machine-readable, `message` says what happened,
 * `hint` says what the user can do, and the code what is safe (error-codes.ts). Expected bad data is not an error: see data/issue.ts.
 */
import { DEFECT, isDefect, type ErrorCode } from './error-codes.ts';
import { DISK_FULL, isDiskFull } from './disk-full.ts';
import { FILE_GONE, isGone } from './file-gone.ts';

export class GroundworkError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;

  constructor(code: ErrorCode, message: string, hint: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'GroundworkError';
    this.code = code;
    this.hint = hint;
  }
}

/** Throws an `internal` error: for broken invariants of our own, never for user input. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new GroundworkError('internal', message, DEFECT);
}

/** An error in plain words, as it crosses a worker's border. */
export interface Described {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
  /** Of defects: the places in our code. */
  readonly trace?: string;
}

/** The places that an error has passed, without its message. */
export const traceOf = (error: unknown): string =>
  (error instanceof Error ? (error.stack ?? '') : '')
    .split('\n')
    .filter((line) => /^\s*at |@/.test(line) && /:\d+:\d+\)?$/.test(line))
    .join('\n');

/** What crosses a worker's border, whatever was thrown. */
export function describeError(error: unknown): Described {
  if (error instanceof GroundworkError) {
    const { code, message, hint } = error;
    return { code, message, hint, ...(isDefect(code) && { trace: traceOf(error) }) };
  }
  if (isDiskFull(error)) return { ...DISK_FULL };
  if (isGone(error)) return { ...FILE_GONE };
  return {
    code: 'internal',
    message: error instanceof Error ? error.message : String(error),
    hint: `${DEFECT} Reload the page to start again.`,
    trace: traceOf(error),
  };
}
