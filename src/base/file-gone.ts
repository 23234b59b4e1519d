/** Recognises that a file which was chosen cannot be read any more: it was changed, moved or deleted, or its disk is gone. */

/** Of browsers, by the file system's specification; Node's blobs of files have the first one, too. */
const NAMES = new Set(['NotReadableError', 'NotFoundError', 'NotAllowedError']);
const CODES = new Set(['ENOENT', 'EACCES', 'EPERM', 'EIO', 'ESTALE', 'ENODEV']);

export function isGone(error: unknown): boolean {
  const { name, code } = (error ?? {}) as { readonly name?: unknown; readonly code?: unknown };
  return NAMES.has(String(name)) || CODES.has(String(code));
}

/** For a read of which nothing more is known. */
export const FILE_GONE = {
  code: 'file-unreadable',
  message: 'A file cannot be read any more.',
  hint: 'It was changed, moved or deleted since it was opened, or its disk is gone. What a run has saved is safe. Put the file back as it was, or open it again.',
} as const;
