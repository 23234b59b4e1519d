/** What a disk refuses, in words for whoever sits before a terminal. */
import { GroundworkError } from '../base/error.ts';

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException | null)?.code;

export const isAbsent = (error: unknown): boolean => codeOf(error) === 'ENOENT';

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
const FORBIDDEN = new Set(['EACCES', 'EPERM', 'EROFS']);

/** Work below `root`, whose refusals by the disk are told. */
export const toldByDisk =
  (root: string) =>
  async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (cause) {
      const code = codeOf(cause) ?? '';
      if (FULL.has(code))
        throw new GroundworkError(
          'storage-full',
          `The disk of ${root} is full.`,
          'What was written before is kept. Free disk space and run the command again.',
          { cause },
        );
      if (FORBIDDEN.has(code))
        throw new GroundworkError(
          'storage-forbidden',
          `Nothing can be written to ${root} (${code}).`,
          'What was written before is kept. Choose another folder, or ask for the right to write there.',
          { cause },
        );
      if (code === 'EIO' || code === 'ENODEV' || code === 'ESTALE')
        throw new GroundworkError(
          'storage-failed',
          `The disk of ${root} does not work any more (${code}).`,
          'What was written before may be safe. Check the disk, then run the command again.',
          { cause },
        );
      throw cause;
    }
  };
