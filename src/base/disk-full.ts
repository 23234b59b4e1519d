/** One way to recognise that a write failed because the disk, or the browser's share of it, is full. */

/** `code` of the error in browsers that know it by its number only. */
const LEGACY_CODE = 22;

/** A class of its own in newer browsers (Chrome 138), a `DOMException` with a name in others. */
type Globals = typeof globalThis & { readonly QuotaExceededError?: abstract new () => Error };

/**
 * Whether an error, or one that caused it, says that there is no space left. By name first: an error keeps its name,
 * but not its class, when it crosses the border of a worker or of a frame.
 */
export function isDiskFull(error: unknown): boolean {
  for (let at = error, depth = 0; typeof at === 'object' && at !== null && depth < 8; depth++) {
    const { name, code, cause } = at as { name?: unknown; code?: unknown; cause?: unknown };
    if (name === 'QuotaExceededError' || code === 'ENOSPC') return true;
    if (code === LEGACY_CODE && typeof DOMException !== 'undefined' && at instanceof DOMException) return true;
    const { QuotaExceededError } = globalThis as Globals;
    if (QuotaExceededError && at instanceof QuotaExceededError) return true;
    at = cause;
  }
  return false;
}

/** For a write of which nothing more is known. */
export const DISK_FULL = {
  code: 'storage-full',
  message: 'The disk, or the browser’s share of it, is full.',
  hint: 'What was saved before is safe. Free disk space, or delete a downloaded model or a run, then try again.',
} as const;
