/**
 * What fits: for every published model and graphics memory of 4, 8, 16 and 24 GB, which storage of the weights, and
 * which changes to the plan, a run needs. Planned as the studio plans it; nothing is allocated.
 *
 *   npm run memory -- [--out docs/memory.md] [--min-pixels N] [--max-pixels N] [--longest-edge N] [--tiles on|off]
 *
 * Each family takes of a picture budget what it has.
 */
import { writeFile } from 'node:fs/promises';
import { memoryTable } from '../engine/full-size/memory-table.ts';
import { outFile, readArguments } from './arguments.ts';
import { openNodeGpu } from './node-gpu.ts';
import { PICTURE_FLAGS, PICTURE_USAGE, pictureBudget } from './picture-flags.ts';
import { runCommand } from './run-command.ts';

async function main(): Promise<void> {
  const { values } = await readArguments(`usage: npm run memory -- [--out FILE] ${PICTURE_USAGE}`, {
    out: outFile,
    ...PICTURE_FLAGS,
  });
  const budget = pictureBudget(values) ?? {};
  await openNodeGpu(); // for WebGPU's constants only
  const text = memoryTable((line) => console.error(line), budget);
  if (values.out) await writeFile(values.out, text);
  else console.log(text);
}

runCommand(main);
