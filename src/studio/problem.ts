/** What a person needs to know when something failed: what happened, and what is safe and to be done. */
import { DISK_FULL, isDiskFull } from '../base/disk-full.ts';
import { GroundworkError } from '../base/error.ts';

/** The work that an alert is about, by a name of its own: the next success of the same work takes the alert back. */
export type About = string;

export interface Problem {
  readonly about?: About;
  readonly code: string;
  readonly what: string;
  readonly hint: string;
}

export function problemOf(error: unknown): Problem {
  if (error instanceof GroundworkError) return { code: error.code, what: error.message, hint: error.hint };
  if (isDiskFull(error)) return { code: DISK_FULL.code, what: DISK_FULL.message, hint: DISK_FULL.hint };
  const what = error instanceof Error ? error.message : String(error);
  return {
    code: 'unexpected',
    what,
    hint: 'Nothing you gave was changed. Try again; if it happens again, reload the page.',
  };
}
