/**
 * Runs a command to its end. A failure is told with what to do about it, and whole with GROUNDWORK_DEBUG. Exit code 1,
 * or the one that the error brings: 2 where a flag would have answered.
 */
import { describeError, GroundworkError } from '../base/error.ts';

export function runCommand(main: () => Promise<void>): void {
  const fail = (error: unknown) => {
    const { message, hint } = describeError(error);
    console.error(`\n${message}\n${hint}`);
    if (process.env['GROUNDWORK_DEBUG']) console.error(error);
    process.exit((error as { exitCode?: number }).exitCode ?? 1);
  };
  // Node ends with success when nothing is left to do, even if the command still waits for something.
  process.once('beforeExit', () =>
    fail(
      new GroundworkError(
        'ended-early',
        'The command ended before its work was done.',
        'What was written before is kept. This is a bug in Groundwork. Please report it with this message.',
      ),
    ),
  );
  main().then(() => process.exit(), fail);
}
