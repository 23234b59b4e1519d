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
export async function work({ reader, seed, from, to, table, parent }: Work): Promise<void> {
  new Worker(FOLLOW, { eval: true, execArgv: [], workerData: parent }).unref();
  const { READERS } = (await import(table)) as { READERS: Readers };
  for (let input = from; input < to; input++) {
    if ((input - from) % SIGN === 0 || to - from <= SIGN) process.send!({ at: input });
    const found = await tryInput(reader, seed, input, READERS);
    if (found) process.send!({ found });
  }
  process.send!({ at: to }, () => process.exit(0));
}

interface Heard {
  /** The input before which the process was last heard of. */
  readonly at: number;
  readonly end: string;
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
    let hung = false;
    const stop = () => {
      hung = true;
      child.kill('SIGKILL');
    };
    // Before the first sign its modules are loaded.
    let timer = setTimeout(stop, Math.max(hangsAfterMs, STARTS));
    child.on('message', (message: { at?: number; found?: Finding }) => {
      clearTimeout(timer);
      timer = setTimeout(stop, hangsAfterMs);
      if (message.at !== undefined) at = message.at;
      if (message.found) found(message.found);
    });
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      resolve({
        at,
        end: hung ? 'the process hung and was stopped' : `the process died (${signal ?? `code ${code}`})`,
      });
    });
  });
}

/** All inputs of a span. `found` hears each finding as it is made, a dead or hung process as well. */
export async function fuzz(span: Span, hangsAfterMs: number, found: (finding: Finding) => void): Promise<void> {
  const { reader, seed, to } = span;
  for (let next = span.from; next < to;) {
    const told: Finding[] = [];
    const { at } = await inProcess({ ...span, from: next }, hangsAfterMs, (finding) => told.push(finding));
    // What is behind the last sign of life is tried again.
    for (const finding of told) if (finding.input < at) found(finding);
    if (at >= to) return;
    // Somewhere in these the process died or hung: one at a time says where.
    const stop = Math.min(to, at + SIGN);
    const exact = await inProcess({ ...span, from: at, to: stop }, hangsAfterMs, found);
    if (exact.at < stop) found({ reader, seed, input: exact.at, what: exact.end });
    next = exact.at < stop ? exact.at + 1 : stop;
  }
}
