/**
 * Tokens a second of LoRA SFT and of rollouts on this machine's GPU, at a published shape with random weights, written so
 * that PyTorch can do the same with the same numbers.
 *
 *   npm run throughput -- MODEL --out DIR [--storage f16] [--prompt 512] [--answer 512] [--group 8] [--completion 64]
 *                         [--rounds 3] [--checkpoint]
 *   python -m tools.reference.throughput DIR [--device cuda] [--dtype bfloat16]
 *
 * MODEL as for `npm run synthesise`. DIR gets the weights (kept if they are there), the adapter and throughput.json.
 * --checkpoint computes activations again in the backward pass; PyTorch then does too.
 */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findPublished, publishedIds } from '../engine/model/published.ts';
import { measureThroughput, type ThroughputOptions } from '../engine/full-size/throughput.ts';
import { filesUnder, writeFiles } from './node-files.ts';
import { runCommand } from './run-command.ts';
import { writeSynthetic } from './synthetic-folder.ts';
import { openTunedGpu } from './tuned-gpu.ts';

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      out: { type: 'string' },
      storage: { type: 'string', default: 'f16' },
      prompt: { type: 'string', default: '512' },
      answer: { type: 'string', default: '512' },
      group: { type: 'string', default: '8' },
      completion: { type: 'string', default: '64' },
      rounds: { type: 'string', default: '3' },
      checkpoint: { type: 'boolean', default: false },
    },
  });
  const model = findPublished(positionals[0]);
  if (!model || values.out === undefined) {
    console.error(`usage: npm run throughput -- MODEL --out DIR\nmodels:\n  ${publishedIds().join('\n  ')}`);
    process.exitCode = 2;
    return;
  }
  const weights = join(values.out, 'model');
  if (!existsSync(join(weights, 'config.json'))) await writeSynthetic(model, weights, { seed: 1 });
  const gpu = await openTunedGpu({ onError: (message) => console.error(`GPU error: ${message}`) });
  const count = (name: 'prompt' | 'answer' | 'group' | 'completion' | 'rounds') => Number(values[name]);
  const { throughput, files: adapter } = await measureThroughput(gpu, model.id, await filesUnder(weights), {
    storage: values.storage as ThroughputOptions['storage'],
    prompt: count('prompt'),
    answer: count('answer'),
    group: count('group'),
    completion: count('completion'),
    rounds: count('rounds'),
    checkpoint: values.checkpoint,
  });
  await writeFiles(join(values.out, 'adapter'), adapter);
  await writeFile(join(values.out, 'throughput.json'), JSON.stringify(throughput));
  const { sft, rollout, loss, gradientNorm } = throughput;
  console.log(`${model.id} in ${values.storage} on ${gpu.name}; best (median) of ${values.rounds} rounds`);
  console.log(`SFT      ${sft.tokensPerSecond.toFixed(1)} (${sft.median.toFixed(1)}) tokens/s`);
  console.log(`rollouts ${rollout.tokensPerSecond.toFixed(1)} (${rollout.median.toFixed(1)}) tokens/s`);
  console.log(`loss ${loss.toFixed(6)}, norm of the gradient ${gradientNorm.toExponential(6)}`);
}

runCommand(main);
