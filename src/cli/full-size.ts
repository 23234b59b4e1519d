/**
 * A model of a published size on this machine: random weights in its true shape are written, loaded, and trained for a
 * step of SFT and one of GRPO; time and memory against what the plan foretold, as a table.
 *
 *   npm run full-size -- MODEL [--storage f16] [--stages sft,grpo] [--pixels 50176] [--folder DIR]
 *
 * MODEL as for `npm run random-weights`; --folder keeps the weights there, or finds them. Pictures are small and rows few:
 * on a software adapter the point is that it runs, and in how much memory.
 */
import { existsSync, openAsBlob } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { measureFullSize, STAGES } from '../engine/full-size/measure.ts';
import { registerDecoder } from '../image/decode.ts';
import { nodeDecode } from '../image/node-decode.ts';
import { filesUnder } from './node-files.ts';
import { outFolder, readArguments, someOf, whole } from './arguments.ts';
import { publishedModel } from './published-model.ts';
import { runCommand } from './run-command.ts';
import { dtype } from './storage-option.ts';
import { openTunedGpu } from './tuned-gpu.ts';
import { writeSynthetic } from './synthetic-folder.ts';

const sample = fileURLToPath(new URL('../../public/starter/sample.zip', import.meta.url));

const USAGE = 'usage: npm run full-size -- MODEL [--storage f16] [--stages sft,grpo] [--pixels 50176] [--folder DIR]';

async function main(): Promise<void> {
  const { values, positionals } = await readArguments(
    USAGE,
    {
      storage: dtype,
      stages: someOf(Object.keys(STAGES), 'sft,grpo'),
      pixels: whole(1, 50176),
      folder: outFolder(),
    },
    1,
  );
  const model = publishedModel(positionals[0], USAGE);
  registerDecoder(nodeDecode);
  const folder = values.folder ?? (await mkdtemp(join(tmpdir(), 'groundwork-full-size-')));
  try {
    if (!existsSync(join(folder, 'config.json'))) await writeSynthetic(model, folder, { seed: 1 });
    const table = await measureFullSize({
      gpu: await openTunedGpu({ onError: (message) => console.error(`GPU error: ${message}`) }),
      checkpoint: await filesUnder(folder),
      sample: await openAsBlob(sample),
      dtype: values.storage,
      kinds: values.stages,
      maxPixels: values.pixels,
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
