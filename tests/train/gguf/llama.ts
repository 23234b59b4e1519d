/** llama.cpp itself: what it makes of files that we write. */
import { fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Tokenizer } from '../../../src/text/tokenizer.ts';

/** Where a picture stands in a prompt. */
export const PICTURE = '<__media__>';

export interface LlamaRequest {
  readonly model: string;
  readonly mmproj?: string;
  readonly lora?: string;
  /** Texts to be cut into tokens, special ones among them. */
  readonly tokenize?: readonly string[];
  /** Prompts to go on from greedily; pictures as data addresses. */
  readonly prompts?: readonly {
    readonly prompt: string;
    readonly media?: readonly string[];
    readonly count: number;
  }[];
}

export interface LlamaAnswer {
  readonly tokens: readonly (readonly number[])[];
  readonly completions: readonly (readonly { readonly text: string; readonly probability: number }[])[];
}

/** Whether there is a llama.cpp for this machine: package.json names those for processors alone. */
export const hasLlama: boolean = (() => {
  try {
    createRequire(import.meta.url).resolve(`@fugood/node-llama-${process.platform}-${process.arch}`);
    return true;
  } catch {
    return false;
  }
})();

/** Lines of what it said that a failure shows. */
const SHOWN = 40;

export function llama(request: LlamaRequest): Promise<LlamaAnswer> {
  const child = fork(fileURLToPath(new URL('llama-process.mjs', import.meta.url)), {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    execArgv: [],
  });
  let said = '';
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (data: Buffer) => (said += data.toString()));
  return new Promise((resolve, reject) => {
    child.once('message', (answer) => resolve(answer as LlamaAnswer));
    child.once('close', (code, signal) =>
      reject(new Error(`llama.cpp ended with ${signal ?? code}:\n${said.split('\n').slice(-SHOWN).join('\n')}`)),
    );
    child.send(request);
  });
}

/** A token as llama.cpp prints it: a byte of its own that is no character by its number. */
export function printed(tokenizer: Tokenizer, id: number): string {
  const text = tokenizer.tokenOf(id)!;
  if (tokenizer.isSpecial(id)) return text;
  const bytes = Buffer.from(Array.from(text, (c) => BYTES.get(c)!));
  return bytes.length === 1 && bytes[0]! >= 0x80 ? `byte: \\x${bytes.toString('hex')}` : bytes.toString();
}

/** The characters that stand for bytes in vocabularies of GPT-2's kind. */
const BYTES = new Map<string, number>();
for (let byte = 0, beyond = 0; byte < 256; byte++) {
  const shown = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  BYTES.set(String.fromCodePoint(shown ? byte : 256 + beyond++), byte);
}
