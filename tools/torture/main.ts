/**
 * `npm run torture -- [--where cli|browser] [--kills N] [--seed S] [--results FILE] [--run R]`: kills a run of every kind of stage again and
 * again, goes on with it, and compares what it ends with to a run that was left alone, bit for bit. The seed decides
 * which kills; what was done is in the results file, and a campaign that was ended goes on behind it. `--run` makes one
 * run alone, to see a fault again. Ends with exit code 1 where anything was lost.
 */
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { BrowserCampaign } from './browser/campaign.ts';
import { Campaign } from './campaign.ts';
import { KILLS_A_RUN } from './kills.ts';
import type { RunResult, Tortured } from './tortured.ts';

const { values } = parseArgs({
  options: {
    where: { type: 'string', default: 'cli' },
    kills: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    results: { type: 'string' },
    run: { type: 'string' },
  },
});
const places: Readonly<Record<string, () => Promise<Tortured>>> = { cli: Campaign.open, browser: BrowserCampaign.open };
const open = Object.hasOwn(places, values.where) ? places[values.where] : undefined;
const [kills, seed, alone] = [Number(values.kills), Number(values.seed), Number(values.run ?? 0)];
if (!open || ![kills, seed, alone].every((value) => Number.isSafeInteger(value) && value >= 0)) {
  console.error('usage: npm run torture -- [--where cli|browser] [--kills N] [--seed S] [--results FILE] [--run R]');
  process.exit(2);
}
const file = values.results ?? `.cache/torture/${values.where}-${seed}.jsonl`;
const lines = await readFile(file, 'utf8').catch(() => '');
// A line that was being written when the campaign was ended is made again.
const results = lines.split('\n').flatMap((line): RunResult[] => {
  try {
    return [JSON.parse(line) as RunResult];
  } catch {
    return [];
  }
});
const done = new Set(results.filter((each) => each.seed === seed).map(({ run }) => run));
const campaign = await open();
await mkdir(dirname(file), { recursive: true });
const runs = values.run === undefined ? Array.from({ length: Math.ceil(kills / KILLS_A_RUN) }, (_, i) => i) : [alone];
for (const run of runs) {
  if (values.run === undefined && done.has(run)) continue;
  const result = await campaign.run(seed, run);
  if (values.run === undefined) await appendFile(file, `${JSON.stringify(result)}\n`);
  results.push(result);
  const ways = result.kills.map(({ way, stage, fired }) =>
    fired ? `${way} in ${stage || 'the beginning'}` : `(${way})`,
  );
  console.log(`run ${run}: ${result.faults.length === 0 ? 'equal' : 'NOT EQUAL'} after ${ways.join(', ')}`);
  for (const fault of result.faults) console.log(`  ${fault}`);
}
const counted = results.filter((each) => each.seed === seed && runs.includes(each.run));
const fired = counted.flatMap((each) => each.kills.filter((kill) => kill.fired));
const by = new Map<string, number>();
for (const { way } of fired) by.set(way, (by.get(way) ?? 0) + 1);
const lost = counted.filter(({ faults }) => faults.length > 0);
console.log(`${fired.length} kills of ${counted.length} runs: ${[...by].map(([way, n]) => `${way} ${n}`).join(', ')}`);
console.log(lost.length === 0 ? 'Nothing was lost.' : `Runs with faults: ${lost.map(({ run }) => run).join(', ')}`);
await campaign.close();
process.exit(lost.length === 0 ? 0 : 1);
