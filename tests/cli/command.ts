/** Commands called in this process: what one prints and its status. A Node process for each would load the engine anew. */
import { vi } from 'vitest';
import { statusOf, type Command } from '../../src/cli/run-command.ts';

const started = vi.hoisted((): { command: Command | null } => ({ command: null }));
vi.mock(import('../../src/cli/run-command.ts'), async (original) => ({
  ...(await original()),
  // A command starts when its module is loaded; here it waits until a test calls it.
  runCommand: (command) => {
    started.command = command;
  },
}));

export interface Said {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** @param entry the module of a command, from the root */
export function commandOf(entry: string): (...words: string[]) => Promise<Said> {
  let command: Command | null = null;
  return async (...words) => {
    const before = process.argv;
    process.argv = [process.execPath, entry, ...words];
    if (!command) {
      await import(/* @vite-ignore */ new URL(`../../${entry}`, import.meta.url).pathname);
      command = started.command;
    }
    const said = { out: '', error: '' };
    const line = (to: keyof typeof said) => (text: unknown) => {
      said[to] += `${String(text)}\n`;
    };
    const spies = [
      vi.spyOn(console, 'log').mockImplementation(line('out')),
      vi.spyOn(console, 'error').mockImplementation(line('error')),
    ];
    try {
      return { code: await statusOf(command!), ...said };
    } finally {
      for (const spy of spies) spy.mockRestore();
      process.argv = before;
    }
  };
}
