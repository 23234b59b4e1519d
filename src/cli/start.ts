/** Runs a command to its end. A failure is told with what to do about it, and whole with GROUNDWORK_DEBUG. */
import { describeError } from '../base/error.ts';

/** @param main gives the exit code, if it is not the process's own */
export function start(main: () => Promise<number | void>): void {
  main().then(
    (status) => process.exit(status ?? process.exitCode),
    (error: unknown) => {
      const { message, hint } = describeError(error);
      console.error(`\n${message}\n${(error as { hint?: string }).hint ?? hint}`);
      if (process.env['GROUNDWORK_DEBUG']) console.error(error);
      process.exit(1);
    },
  );
}
