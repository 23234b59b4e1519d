/**
 * Inputs of a reader in processes of their own: one that dies or hangs is a finding, and the next process goes on behind
 * the input. `main.ts --work` is what runs in such a process.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { tryInput, type Finding, type Readers } from './fuzz.ts';

/** Inputs between two signs of life: so many are tried again, one at a time, where a process died. */
const SIGN = 50;
/** Milliseconds in which a process begins. */
const STARTS = 120_000;

export interface Span {
  readonly reader: string;
  readonly seed: number;
  readonly from: number;
  readonly to: number;
  /** Address of the module with the table of readers. */
  readonly table: string;
  /** Ends before `to` when so long has passed since the readers were loaded. */
  readonly milliseconds?: number | undefined;
}

/** Ends this process when the one that began it is gone: a reader that hangs hears nothing, so a thread looks. */
const FOLLOW = `
  const parent = require('node:worker_threads').workerData;
  setInterval(() => process.ppid === parent || process.kill(process.pid, 'SIGKILL'), 500);
`;

/** What a process is given: its span, and who began it, which may be gone before the process looks. */
export interface Work extends Span {
  readonly parent: number;
}

/** In the process: its work, told to the one that began it. */
export async function work({ reader, seed, from, to, table, parent, milliseconds = Infinity }: Work): Promise<void> {
  new Worker(FOLLOW, { eval: true, execArgv: [], workerData: parent }).unref();
  const { READERS } = (await import(table)) as { READERS: Readers };
  const until = performance.now() + milliseconds;
  let input = from;
  for (; input < to && performance.now() < until; input++) {
    if ((input - from) % SIGN === 0 || to - from <= SIGN) process.send!({ at: input });
    const found = await tryInput(reader, seed, input, READERS);
    if (found) process.send!({ found });
  }
  process.send!({ at: input, done: true }, () => process.exit(0));
}

interface Heard {
  /** The input before which the process was last heard of. */
  readonly at: number;
  /** Why it ended; null: it was done, at the end of its span or of its time. */
  readonly end: string | null;
}

function inProcess(span: Span, hangsAfterMs: number, found: (finding: Finding) => void): Promise<Heard> {
  return new Promise((resolve) => {
    const child = fork(
      fileURLToPath(new URL('main.ts', import.meta.url)),
      ['--work', JSON.stringify({ ...span, parent: process.pid } satisfies Work)],
      {
        execArgv: ['--import', new URL('../../scripts/register.mjs', import.meta.url).href, '--max-old-space-size=512'],
        stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      },
    );
    let at = span.from;
    let [hung, done] = [false, false];
    const stop = () => {
      hung = true;
      child.kill('SIGKILL');
    };
    // Before the first sign its modules are loaded.
    let timer = setTimeout(stop, Math.max(hangsAfterMs, STARTS));
    child.on('message', (message: { at?: number; done?: true; found?: Finding }) => {
      clearTimeout(timer);
      timer = setTimeout(stop, hangsAfterMs);
      if (message.at !== undefined) at = message.at;
      done ||= message.done === true;
      if (message.found) found(message.found);
    });
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      resolve({
        at,
        end: done ? null : hung ? 'the process hung and was stopped' : `the process died (${signal ?? `code ${code}`})`,
      });
    });
  });
}

/**
 * The inputs of a span, and the one behind the last that was given. `found` hears each finding as it is made, a dead or
 * hung process as well.
 */
export async function fuzz(span: Span, hangsAfterMs: number, found: (finding: Finding) => void): Promise<number> {
  const { reader, seed, to } = span;
  for (let next = span.from; next < to;) {
    const told: Finding[] = [];
    const { at, end } = await inProcess({ ...span, from: next }, hangsAfterMs, (finding) => told.push(finding));
    // What is behind the last sign of life is tried again.
    for (const finding of told) if (finding.input < at) found(finding);
    if (end === null) return at;
    // Somewhere in these the process died or hung: one at a time says where.
    const stop = Math.min(to, at + SIGN);
    const few = { ...span, from: at, to: stop, milliseconds: undefined };
    const exact = await inProcess(few, hangsAfterMs, found);
    if (exact.end !== null) found({ reader, seed, input: exact.at, what: exact.end });
    next = exact.end !== null ? exact.at + 1 : stop;
  }
  return to;
}
