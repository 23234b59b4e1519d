/** Runs a command to its end. A failure is told with what to do about it, and whole with GROUNDWORK_DEBUG. */
import { describeError } from '../base/error.ts';

export function runCommand(main: () => Promise<void>): void {
  main().then(
    () => process.exit(),
    (error: unknown) => {
      const { message, hint } = describeError(error);
      console.error(`\n${message}\n${(error as { hint?: string }).hint ?? hint}`);
      if (process.env['GROUNDWORK_DEBUG']) console.error(error);
      process.exit(1);
    },
  );
}
