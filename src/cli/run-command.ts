/**
 * Runs a command to its end. The process ends with the status that the command returns, 0 if it returns none. A failure is
 * printed with what to do about it, and its stack with GROUNDWORK_DEBUG. Status 2: a wrong option or input. 1: it failed.
 */
import { DEFECT, safeHint } from '../base/error-codes.ts';
import { describeError, GroundworkError } from '../base/error.ts';
import { systemCode } from './system-code.ts';

/** Faults of what the command was told, wherever they are found. */
const TOLD = new Set([
  'usage',
  'merge-setting',
  'recipe-unreadable',
  'recipe-invalid',
  'storage-unknown',
  'run-missing',
]);

/** What the file system has against a path, in words. */
const SYSTEM: Readonly<Record<string, string>> = {
  ENOENT: 'is not there',
  ENOTDIR: 'lies below a file, not a folder',
  EISDIR: 'is a folder, not a file',
  EACCES: 'may not be opened',
  EPERM: 'may not be opened',
  EROFS: 'lies on a disk that cannot be written',
  ENOSPC: 'could not be written: the disk is full',
};

export interface Failure {
  readonly message: string;
  readonly hint: string;
  readonly status: 1 | 2;
}

export function failureOf(error: unknown): Failure {
  if (error instanceof GroundworkError) {
    const { message, hint, code } = error;
    const asked = (error as { exitCode?: number }).exitCode === 2;
    return { message, hint: safeHint(code, message, hint), status: asked || TOLD.has(code) ? 2 : 1 };
  }
  const trouble = SYSTEM[systemCode(error) ?? ''];
  const { path, code } = error as { path?: unknown; code?: unknown };
  // The only one that may come on the way, however good the path.
  const full = code === 'ENOSPC';
  if (trouble !== undefined && typeof path === 'string')
    return { message: `${path} ${trouble}.`, hint: 'Check the path, or choose another.', status: full ? 1 : 2 };
  const { code: name, message, hint } = describeError(error);
  return { message, hint: safeHint(name, message, hint), status: 1 };
}

export type Command = () => Promise<number | void>;

function failed(error: unknown): number {
  const { message, hint, status } = failureOf(error);
  console.error(`\n${message}\n${hint}`);
  if (process.env['GROUNDWORK_DEBUG']) console.error(error);
  return status;
}

/** Runs a command, and prints its failure. @returns the status that the process should end with */
export async function statusOf(command: Command): Promise<number> {
  try {
    return (await command()) ?? 0;
  } catch (error) {
    return failed(error);
  }
}

export function runCommand(command: Command): void {
  // Node ends with success when nothing is left to do, even if the command still waits for something.
  process.once('beforeExit', () =>
    process.exit(
      failed(
        new GroundworkError(
          'ended-early',
          'The command ended before its work was done.',
          `What was written before is kept. ${DEFECT}`,
        ),
      ),
    ),
  );
  void statusOf(command).then((status) => process.exit(status));
}
