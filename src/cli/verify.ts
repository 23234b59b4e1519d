/**
 * Runs golden cases (docs/golden-case.md): folders that say what transformers and PEFT computed for a checkpoint, an
 * adapter, pictures and text. Prints what is to be said of the files and a line per compared tensor; ends with status 1
 * if any misses.
 *
 *   npm run verify -- PATH…      folders that contain case.json, or folders above them
 *   npm run verify -- --export DIR PATH…      writes what is exported of them instead, for Python to check
 */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { registerDecoder } from '../image/decode.ts';
import { nodeDecode } from '../image/node-decode.ts';
import { openGolden } from '../engine/golden/case.ts';
import { checkGolden, type Comparison } from '../engine/golden/check.ts';
import { exportGolden } from '../engine/golden/export.ts';
import { filesUnder, writeFiles } from './node-files.ts';
import { signsOfLife } from './signs-of-life.ts';
import { openTunedGpu } from './tuned-gpu.ts';
import { outFolder, readArguments, UsageError } from './arguments.ts';
import { runCommand } from './run-command.ts';
import { Session } from '../gpu/recorder.ts';

/** Folders with a case.json at or below the given ones. */
export async function findCases(paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) {
    if (existsSync(join(path, 'case.json'))) {
      found.push(path);
      continue;
    }
    const entries = await readdir(path, { withFileTypes: true });
    found.push(
      ...(await findCases(
        entries
          .filter((e) => e.isDirectory())
          .map((e) => join(path, e.name))
          .sort(),
      )),
    );
  }
  return found;
}

/** Writes what we export of a case for tools/reference/check_exports.py. */
async function writeExports(session: Session, cases: readonly string[], out: string): Promise<number> {
  for (const path of cases) {
    const files = await exportGolden(session, await openGolden(path, await filesUnder(path)));
    const folder = join(out, basename(dirname(path)), basename(path));
    await writeFiles(folder, files ?? []);
    console.log(files ? folder : `${path}: no adapter`);
  }
  return 0;
}

const USAGE = 'usage: npm run verify -- [--export DIR] PATH…';

async function main(): Promise<number> {
  const { values, positionals: paths } = await readArguments(USAGE, { export: outFolder() }, Infinity);
  if (!paths.length) throw new UsageError('Name one or more folders with a case.json.', USAGE);
  const cases = await findCases(paths);
  if (!cases.length) throw new UsageError(`No case.json at or below ${paths.join(', ')}.`, USAGE);
  registerDecoder(nodeDecode);
  const session = new Session(await openTunedGpu({ onError: (message) => console.error(`GPU error: ${message}`) }));
  console.log(session.gpu.name);
  if (values.export !== undefined) return writeExports(session, cases, values.export);
  let missed = 0;
  const show = ({ name, detail, ok }: Comparison) => {
    console.log(`  ${ok ? 'ok  ' : 'MISS'} ${name.padEnd(78)} ${detail}`);
    if (!ok) missed++;
    signs.seen();
  };
  // The first run on a device compiles every kernel: seconds of processor time each, minutes on a busy machine.
  const signs = signsOfLife((seconds) =>
    console.log(
      `  … nothing to compare for ${seconds} s; ${session.kernels.sources.length} kernels compiled or compiling`,
    ),
  );
  for (const path of cases) {
    console.log(`\n${path}`);
    await checkGolden(session, await openGolden(path, await filesUnder(path)), 'f32', show);
  }
  signs.stop();
  console.log(missed ? `\n${missed} comparisons failed.` : '\nAll comparisons agree.');
  session.destroy();
  return missed ? 1 : 0;
}

if (process.argv[1] && import.meta.url.endsWith('/src/cli/verify.ts') && process.argv[1].endsWith('verify.ts'))
  runCommand(main);
