/** `npm run demo` as a process of its own, killed with `kill -9` from within (victim.mjs), on the files of a lab's disk. */
import { spawn } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { filesUnder } from '../../src/cli/node-files.ts';
import { FaultyDisk } from './faulty-disk.ts';
import type { Kill } from './kills.ts';
import { ROOT } from './lab.ts';
import { MODEL } from './plan.ts';

export interface Command {
  /** Where the rows are, and the plan. */
  readonly rows: string;
  readonly plan: string;
  /** A folder of its own. */
  readonly out: string;
}

export interface Ended {
  readonly disk: FaultyDisk;
  /** By our own hand; else it came to its end before. */
  readonly killed: boolean;
  readonly faults: readonly string[];
}

const house = fileURLToPath(new URL('../../', import.meta.url));

export async function killedCommand(disk: FaultyDisk, kill: Kill, operation: number, command: Command): Promise<Ended> {
  const { rows, plan, out } = command;
  await rm(out, { recursive: true, force: true });
  for (const [path, bytes] of disk.files()) {
    const file = join(out, 'run', relative(ROOT, path));
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, bytes);
  }
  const begun = disk.files().some(([path]) => path.startsWith(`${ROOT}/records/runs/`));
  const inside = kill.moment === 'inside';
  const torture = { folder: out, operation, inside, afterMs: inside ? 0 : kill.moment, clockMs: 0 };
  const args = ['--import', './tools/torture/victim.mjs', '--import', './scripts/register.mjs', 'src/cli/demo.ts'];
  args.push('--model', MODEL, '--data', rows, '--recipe', plan, '--out', out, '--save-every', '1');
  if (begun) args.push('--resume');
  const env = { ...process.env, TORTURE: JSON.stringify(torture) };
  const child = spawn(process.execPath, args, { cwd: house, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    child.on('close', (...how) => resolve(how)),
  );
  const killed = signal === 'SIGKILL';
  const faults = killed || code === 0 ? [] : [`The command ended with ${code}: ${said.trim().slice(-600)}`];
  const files = await filesUnder(join(out, 'run'));
  const read = await Promise.all(
    files.map(async ({ path }) => [`${ROOT}/${path}`, new Uint8Array(await readFile(join(out, 'run', path)))] as const),
  );
  return { disk: FaultyDisk.of(read), killed, faults };
}
