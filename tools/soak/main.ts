/**
 * `npm run soak -- [--where node|browser] [--sft N] [--grpo N] [--every N]`: long runs on the smallest model, and what
 * they hold on to: heaps, GPU bytes, open handles and files, a measurement every so many steps. After a warm-up all of
 * them are to be flat: what a straight line through the measurements gains is within their noise. Ends with exit code 1
 * where it is not.
 */
import { parseArgs } from 'node:util';
import { grpoStage, lora, optimizer, sampling, sftStage, type Stage } from '../../src/train/stages/index.ts';
import { flatness, type Flatness } from './flatness.ts';
import { soakInBrowser } from './in-browser.ts';
import { soakInNode } from './in-node.ts';
import type { Soak, Soaked } from './soaked.ts';

const { values } = parseArgs({
  options: {
    where: { type: 'string', default: 'node' },
    sft: { type: 'string', default: '5000' },
    grpo: { type: 'string', default: '1000' },
    every: { type: 'string', default: '20' },
  },
});
const places: Readonly<Record<string, Soak>> = { node: soakInNode, browser: soakInBrowser };
const soak = Object.hasOwn(places, values.where) ? places[values.where] : undefined;
const [sft, grpo, every] = [Number(values.sft), Number(values.grpo), Number(values.every)];
if (!soak || ![sft, grpo, every].every((value) => Number.isSafeInteger(value) && value >= 0) || every === 0) {
  console.error('usage: npm run soak -- [--where node|browser] [--sft N] [--grpo N] [--every N]');
  process.exit(2);
}

/** Measurements before these are of what is made once. */
const WARM = 0.3;

function judge(name: string, steps: number, { done, minutes, measured, failures, logBytes }: Soaked): boolean {
  console.log(`${name}: ${done} of ${steps} steps in ${minutes.toFixed(1)} min, ${measured.length} measurements`);
  for (const failure of failures) console.log(`  ${failure}`);
  const warm = measured.slice(Math.floor(measured.length * WARM));
  const verdicts = Object.keys(warm[0] ?? {}).map((key): [string, Flatness] => [
    key,
    flatness(warm.map((each) => each[key]!)),
  ]);
  for (const [key, { mean, gain, noise, flat }] of verdicts)
    console.log(
      `  ${key.padEnd(12)} mean ${mean.toFixed(0)}, gains ${gain.toFixed(1)} over the run, noise ${noise.toFixed(1)}: ${flat ? 'flat' : 'NOT FLAT'}`,
    );
  if (logBytes !== null) console.log(`  log ${(logBytes / Math.max(1, done)).toFixed(0)} bytes a step`);
  return failures.length === 0 && done >= steps && warm.length > 2 && verdicts.every(([, { flat }]) => flat);
}

const trained = { lora: lora(4, 8), optimizer: optimizer(1e-4, 0, 'constant'), gradientCheckpointing: false };
const runs: readonly (readonly [name: string, steps: number, stage: Stage])[] = [
  ['SFT', sft, sftStage({ ...trained, maxSteps: sft, perDeviceTrainBatchSize: 1, maxLength: 0 })],
  [
    'GRPO',
    grpo,
    grpoStage({ ...trained, maxSteps: grpo, promptsPerStep: 1, numGenerations: 2, sampling: sampling(8) }),
  ],
];
const results: boolean[] = [];
for (const [name, steps, stage] of runs)
  if (steps > 0) results.push(judge(name, steps, await soak({ name, seed: 5, stages: [stage] }, every)));
process.exit(results.every(Boolean) ? 0 : 1);
