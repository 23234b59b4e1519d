/**
 * One error class for the whole house. `code` is stable and machine-readable, `message` says what happened,
 * `hint` says what the user can do. Expected bad data is not an error: see data/issue.ts.
 */
import { DISK_FULL, isDiskFull } from './disk-full.ts';

export class GroundworkError extends Error {
  readonly code: string;
  readonly hint: string;

  constructor(code: string, message: string, hint = '', options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'GroundworkError';
    this.code = code;
    this.hint = hint;
  }
}

/** Throws an `internal` error: for broken invariants of our own, never for user input. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition)
    throw new GroundworkError('internal', message, 'This is a bug in Groundwork. Please report it with this message.');
}

/** What crosses a worker's border: an error in plain words, whatever was thrown. */
export function describeError(error: unknown): { code: string; message: string; hint: string } {
  if (error instanceof GroundworkError) return { code: error.code, message: error.message, hint: error.hint };
  if (isDiskFull(error)) return { ...DISK_FULL };
  return {
    code: 'internal',
    message: error instanceof Error ? error.message : String(error),
    hint: 'This is a bug in Groundwork. Please report it with this message. Reload the page to start again.',
  };
}
