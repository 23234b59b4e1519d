/**
 * A model of a published size on this machine: random weights in its true shape are written, loaded, and trained for a
 * step of SFT and one of GRPO; time and memory against what the plan foretold, as a table.
 *
 *   npm run full-size -- MODEL [--storage f16] [--stages sft,grpo] [--pixels 50176] [--folder DIR]
 *
 * MODEL as for `npm run synthesise`; --folder keeps the weights there, or finds them. Pictures are small and rows few:
 * on a software adapter the point is that it runs, and in how much memory.
 */
import { existsSync, openAsBlob } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { measureFullSize, STAGES } from '../engine/full-size/measure.ts';
import { findPublished, publishedIds } from '../engine/model/published.ts';
import { registerDecoder } from '../image/decode.ts';
import { nodeDecode } from '../image/node-decode.ts';
import { filesUnder } from './node-files.ts';
import { runCommand } from './run-command.ts';
import { openTunedGpu } from './tuned-gpu.ts';
import { writeSynthetic } from './synthetic-folder.ts';

const sample = fileURLToPath(new URL('../../public/starter/sample.zip', import.meta.url));

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      storage: { type: 'string', default: 'f16' },
      stages: { type: 'string', default: 'sft,grpo' },
      pixels: { type: 'string', default: '50176' },
      folder: { type: 'string' },
    },
  });
  const model = findPublished(positionals[0]);
  const kinds = values.stages.split(',');
  if (!model || kinds.some((kind) => !STAGES[kind])) {
    console.error(`usage: npm run full-size -- MODEL\nmodels:\n  ${publishedIds().join('\n  ')}`);
    process.exitCode = 2;
    return;
  }
  registerDecoder(nodeDecode);
  const folder = values.folder ?? (await mkdtemp(join(tmpdir(), 'groundwork-full-size-')));
  try {
    if (!existsSync(join(folder, 'config.json'))) await writeSynthetic(model, folder, { seed: 1 });
    const table = await measureFullSize({
      gpu: await openTunedGpu({ onError: (message) => console.error(`GPU error: ${message}`) }),
      checkpoint: await filesUnder(folder),
      sample: await openAsBlob(sample),
      dtype: values.storage as Parameters<typeof measureFullSize>[0]['dtype'],
      kinds,
      maxPixels: Number(values.pixels),
      tell: (line) => console.error(line),
      process: () => {
        const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
        return { script: heapUsed + arrayBuffers, resident: rss };
      },
    });
    console.log(table);
  } finally {
    if (values.folder === undefined) await rm(folder, { recursive: true, force: true });
  }
}

runCommand(main);
