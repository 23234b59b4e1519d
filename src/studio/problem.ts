/** What a person needs to know when something failed: what happened, and what is safe and to be done. */
import type { FailureEvent } from '../engine/protocol/words.ts';
import { DEFECT, safeHint } from '../base/error-codes.ts';
import { DISK_FULL, isDiskFull } from '../base/disk-full.ts';
import { describeError, GroundworkError, traceOf } from '../base/error.ts';

/** The work that an alert is about, by a name of its own: the next success of the same work takes the alert back. */
export type About = string;

type FailureWords = Pick<FailureEvent, 'code' | 'message' | 'hint' | 'trace'>;

export interface Problem {
  readonly about?: About;
  readonly code: string;
  readonly what: string;
  readonly hint: string;
  /** Of defects: the places in our code. */
  readonly trace?: string;
}

/** As the engine describes it. */
export const problemIn = ({ code, message, hint, trace }: FailureWords): Problem => ({
  code,
  what: message,
  hint: safeHint(code, message, hint),
  ...(trace !== undefined && { trace }),
});

export function problemOf(error: unknown): Problem {
  if (error instanceof GroundworkError) {
    return problemIn(describeError(error));
  }
  if (isDiskFull(error)) return { code: DISK_FULL.code, what: DISK_FULL.message, hint: DISK_FULL.hint };
  const what = error instanceof Error ? error.message : String(error);
  return {
    code: 'unexpected',
    what,
    trace: traceOf(error),
    hint: `${DEFECT} Nothing that you gave was changed. Try again; if it happens again, reload the page.`,
  };
}
