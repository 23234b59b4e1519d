/**
 * Tokens a second of LoRA SFT and of rollouts on this machine's GPU, at a published shape with random weights, written so
 * that PyTorch can do the same with the same numbers.
 *
 *   npm run throughput -- MODEL --out DIR [--storage f16] [--prompt 512] [--answer 512] [--group 8] [--completion 64]
 *                         [--rounds 3] [--checkpoint]
 *   python -m tools.reference.throughput DIR [--device cuda] [--dtype bfloat16]
 *
 * MODEL as for `npm run random-weights`. DIR gets the weights (kept if they are there), the adapter and throughput.json.
 * --checkpoint computes activations again in the backward pass; PyTorch then does too.
 */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { measureThroughput } from '../engine/full-size/throughput.ts';
import { filesUnder, writeFiles } from './node-files.ts';
import { flag, outFolder, readArguments, UsageError, whole } from './arguments.ts';
import { publishedModel } from './published-model.ts';
import { runCommand } from './run-command.ts';
import { dtype } from './storage-option.ts';
import { writeSynthetic } from './synthetic-folder.ts';
import { openTunedGpu } from './tuned-gpu.ts';

const USAGE =
  'usage: npm run throughput -- MODEL --out DIR [--storage f16] [--prompt 512] [--answer 512] [--group 8] [--completion 64] [--rounds 3] [--checkpoint]';

async function main(): Promise<void> {
  const { values, positionals } = await readArguments(
    USAGE,
    {
      storage: dtype,
      prompt: whole(1, 512),
      answer: whole(1, 512),
      group: whole(1, 8),
      completion: whole(1, 64),
      rounds: whole(1, 3),
      checkpoint: flag,
      out: outFolder(),
    },
    1,
  );
  const model = publishedModel(positionals[0], USAGE);
  const { out, storage, prompt, answer, group, completion, rounds, checkpoint } = values;
  if (out === undefined) throw new UsageError('--out is missing.', USAGE);
  const weights = join(out, 'model');
  if (!existsSync(join(weights, 'config.json'))) await writeSynthetic(model, weights, { seed: 1 });
  const gpu = await openTunedGpu({ onError: (message) => console.error(`GPU error: ${message}`) });
  const { throughput, files: adapter } = await measureThroughput(gpu, model.id, await filesUnder(weights), {
    storage,
    prompt,
    answer,
    group,
    completion,
    rounds,
    checkpoint,
  });
  await writeFiles(join(out, 'adapter'), adapter);
  await writeFile(join(out, 'throughput.json'), JSON.stringify(throughput));
  const { sft, rollout, loss, gradientNorm } = throughput;
  console.log(`${model.id} in ${storage} on ${gpu.name}; best (median) of ${rounds} rounds`);
  console.log(`SFT      ${sft.tokensPerSecond.toFixed(1)} (${sft.median.toFixed(1)}) tokens/s`);
  console.log(`rollouts ${rollout.tokensPerSecond.toFixed(1)} (${rollout.median.toFixed(1)}) tokens/s`);
  console.log(`loss ${loss.toFixed(6)}, norm of the gradient ${gradientNorm.toExponential(6)}`);
}

runCommand(main);
