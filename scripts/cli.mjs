/**
 * `npm run demo`, `dataset`, `verify`, `profile`, `bench`, `merge`, `job`: the engine without a browser. Installs packages if need be, lets
 * Dawn find a Vulkan driver, and runs the TypeScript entry with the arguments given; its exit code is ours.
 */
import { ensureModules, runNode } from './house.mjs';
import { vulkanEnvironment } from './vulkan.mjs';

const entries = {
  demo: 'src/cli/demo.ts',
  verify: 'src/cli/verify.ts',
  bench: 'bench/main.ts',
  profile: 'src/cli/profile.ts',
  dataset: 'src/cli/dataset.ts',
  evaluate: 'src/cli/evaluate.ts',
  'random-weights': 'src/cli/random-weights.ts',
  memory: 'src/cli/memory.ts',
  merge: 'src/cli/merge.ts',
  job: 'src/cli/job.ts',
  'full-size': 'src/cli/full-size.ts',
  throughput: 'src/cli/throughput.ts',
  torture: 'tools/torture/main.ts',
  soak: 'tools/soak/main.ts',
  'record-run': 'e2e/harness/record-run.ts',
};
/** These need no GPU, and no driver for one. */
const withoutGpu = new Set(['dataset', 'merge', 'job']);
const [name, ...args] = process.argv.slice(2);
const checked = name === 'job' && args.includes('--check');
const entry = checked ? 'tools/jobs/check.ts' : entries[name];
if (entry === undefined) {
  console.error(`usage: node scripts/cli.mjs ${Object.keys(entries).join('|')} [arguments]`);
  process.exit(2);
}

await ensureModules();
if (withoutGpu.has(name) && !checked)
  process.exit(await runNode(['--import', './scripts/register.mjs', entry, ...args]));
const { adapter, environment, problem } = vulkanEnvironment();
if (problem !== null) {
  console.error(`No Vulkan driver for Node: ${problem}.`);
  process.exit(1);
}
process.exitCode = await runNode(['--import', './scripts/register.mjs', entry, ...args], {
  env: { ...environment, GROUNDWORK_ADAPTER: adapter },
});
