/**
 * What fits: for every published model and graphics memory of 4, 8, 16 and 24 GB, which storage of the weights, and
 * which changes to the plan, a run needs. Planned as the studio plans it; nothing is allocated.
 *
 *   npm run memory -- [--out docs/memory.md]
 */
import { writeFile } from 'node:fs/promises';
import { memoryTable } from '../engine/full-size/memory-table.ts';
import { outFile, readArguments } from './arguments.ts';
import { openNodeGpu } from './node-gpu.ts';
import { runCommand } from './run-command.ts';

async function main(): Promise<void> {
  const { values } = await readArguments('usage: npm run memory -- [--out FILE]', { out: outFile });
  await openNodeGpu(); // for WebGPU's constants only
  const text = memoryTable((line) => console.error(line));
  if (values.out) await writeFile(values.out, text);
  else console.log(text);
}

runCommand(main);
