/**
 * `npm run fuzz -- [READER] [--inputs N] [--seed S] [--from I]`: mutated files for every reader of outside bytes, or for
 * those whose name contains READER. Each reader runs in a process of its own: one that dies or hangs is a finding, and
 * the next process goes on behind the input. With `--campaign FILE`, N inputs over all readers together, which go on where
 * FILE says. Ends with exit code 1 where anything was found.
 */
import { parseArgs } from 'node:util';
import { goOn, readCampaign, sumOf } from './campaign.ts';
import { inputOf } from './fuzz.ts';
import { fuzz, work, type Work } from './processes.ts';

/** Milliseconds without a sign of life. */
const HANGS = 120_000;
const MOST_SHOWN = 20;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    inputs: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    show: { type: 'boolean', default: false },
    campaign: { type: 'string' },
    help: { type: 'boolean', default: false },
    work: { type: 'string' },
  },
});
if (values.work !== undefined) await work(JSON.parse(values.work) as Work);
else {
  // A process that works brings its own table, and needs none of what these readers import.
  const { READERS } = await import('./readers.ts');
  const [inputs, seed, from] = [Number(values.inputs), Number(values.seed), Number(values.from)];
  const [wanted = ''] = positionals;
  const names = Object.hasOwn(READERS, wanted)
    ? [wanted]
    : Object.keys(READERS).filter((name) => name.toLowerCase().includes(wanted.toLowerCase()));
  if (values.help || names.length === 0 || ![inputs, seed, from].every(Number.isSafeInteger)) {
    console.error(`usage: npm run fuzz -- [READER] [--inputs N] [--seed S] [--from I] [--show] [--campaign FILE]`);
    console.error(`Readers: ${Object.keys(READERS).join(', ')}`);
    process.exit(values.help ? 0 : 2);
  }
  const table = new URL('readers.ts', import.meta.url).href;
  if (values.show) process.stdout.write(inputOf(names[0]!, seed, from, READERS));
  else if (values.campaign !== undefined) {
    const campaign = readCampaign(values.campaign, seed);
    await goOn(values.campaign, campaign, inputs, { names, table, hangsAfterMs: HANGS }, console.log);
    console.log(`${names.length} readers, ${sumOf(campaign)} inputs, ${campaign.findings.length} findings`);
    process.exitCode = campaign.findings.length > 0 ? 1 : 0;
  } else {
    let sum = 0;
    for (const name of names) {
      console.log(`${name}: inputs ${from} to ${from + inputs} of seed ${seed}`);
      let mine = 0;
      await fuzz({ reader: name, seed, from, to: from + inputs, table }, HANGS, ({ input, what }) => {
        if (++mine <= MOST_SHOWN) console.log(`  seed ${seed} input ${input}: ${what}`);
      });
      sum += mine;
    }
    console.log(`${names.length} readers, ${names.length * inputs} inputs, ${sum} findings`);
    process.exitCode = sum > 0 ? 1 : 0;
  }
}
