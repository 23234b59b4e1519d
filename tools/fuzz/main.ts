/**
 * `npm run fuzz -- [READER] [--inputs N] [--seed S] [--from I]`: mutated files for every reader of outside bytes, or for
 * those whose name contains READER. Each reader runs in a process of its own: one that dies or hangs is a finding, and
 * the next process goes on behind the input. Ends with exit code 1 where anything was found.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { inputOf, tryInput, type Finding } from './fuzz.ts';
import { READERS } from './readers.ts';

/** Inputs between two signs of life: so many are tried again, one at a time, where a process died. */
const SIGN = 50;
/** Milliseconds without a sign of life. */
const HANGS = 120_000;
const MOST_SHOWN = 20;

interface Span {
  readonly reader: string;
  readonly seed: number;
  readonly from: number;
  readonly to: number;
}

async function work({ reader, seed, from, to }: Span): Promise<void> {
  for (let input = from; input < to; input++) {
    if ((input - from) % SIGN === 0 || to - from <= SIGN) process.send!({ at: input });
    const found = await tryInput(reader, seed, input);
    if (found) process.send!({ found });
  }
  process.send!({ at: to }, () => process.exit(0));
}

/** Runs inputs in a process of their own. @returns the input before which it was last heard of */
function inProcess(span: Span, found: (finding: Finding) => void): Promise<number> {
  return new Promise((resolve) => {
    const child = fork(fileURLToPath(import.meta.url), ['--work', JSON.stringify(span)], {
      execArgv: [...process.execArgv, '--max-old-space-size=512'],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    let at = span.from;
    const stop = () => child.kill('SIGKILL');
    let timer = setTimeout(stop, HANGS);
    child.on('message', (message: { at?: number; found?: Finding }) => {
      clearTimeout(timer);
      timer = setTimeout(stop, HANGS);
      if (message.at !== undefined) at = message.at;
      if (message.found) found(message.found);
    });
    child.on('exit', () => {
      clearTimeout(timer);
      resolve(at);
    });
  });
}

async function fuzz(reader: string, seed: number, from: number, to: number): Promise<Finding[]> {
  const all: Finding[] = [];
  const found = (finding: Finding) => {
    all.push(finding);
    if (all.length > MOST_SHOWN) return;
    console.log(`  seed ${seed} input ${finding.input}: ${finding.what}`);
  };
  for (let next = from; next < to;) {
    const at = await inProcess({ reader, seed, from: next, to }, found);
    if (at >= to) break;
    // Somewhere in these the process died or hung: one at a time says where.
    const end = Math.min(to, at + SIGN);
    const exact = await inProcess({ reader, seed, from: at, to: end }, found);
    if (exact < end) found({ reader, seed, input: exact, what: 'the process died or hung' });
    next = exact < end ? exact + 1 : end;
  }
  return all;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    inputs: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    show: { type: 'boolean', default: false },
    work: { type: 'string' },
  },
});
if (values.work !== undefined) await work(JSON.parse(values.work) as Span);
else {
  const [inputs, seed, from] = [Number(values.inputs), Number(values.seed), Number(values.from)];
  const names = Object.keys(READERS).filter((name) =>
    name.toLowerCase().includes((positionals[0] ?? '').toLowerCase()),
  );
  if (names.length === 0 || ![inputs, seed, from].every(Number.isSafeInteger)) {
    console.error(`usage: npm run fuzz -- [READER] [--inputs N] [--seed S] [--from I] [--show]`);
    console.error(`Readers: ${Object.keys(READERS).join(', ')}`);
    process.exit(2);
  }
  if (values.show) process.stdout.write(inputOf(names[0]!, seed, from));
  else {
    let sum = 0;
    for (const name of names) {
      console.log(`${name}: inputs ${from} to ${from + inputs} of seed ${seed}`);
      sum += (await fuzz(name, seed, from, from + inputs)).length;
    }
    console.log(`${names.length} readers, ${names.length * inputs} inputs, ${sum} findings`);
    process.exitCode = sum > 0 ? 1 : 0;
  }
}
