/**
 * Ours against jax-js on the same adapter, in turns.
 *
 *     npm run bench -- [--only REGEX] [--rounds N] [--json FILE] [--chromium] [--toggles a,b]
 *
 * --chromium runs the same page in headless Chromium instead of Dawn under Node. --toggles sets Dawn's (for both sides).
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { header, print, type Row } from './contest.ts';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    rounds: { type: 'string', default: '12' },
    json: { type: 'string' },
    chromium: { type: 'boolean', default: false },
    toggles: { type: 'string', default: 'disable_workgroup_init' },
  },
});

const rows: Row[] = [];
const show = (row: Row) => {
  if (!rows.length)
    console.log(`${row.adapter}; GFLOP/s, best of ${options.rounds} runs in turns; peer: jax-js 0.1.25\n${header()}`);
  rows.push(row);
  console.log(print(row));
};

const { runContests } = options.chromium ? await import('./chromium.ts') : await import('./node.ts');
await runContests(
  { only: options.only, rounds: Number(options.rounds), toggles: options.toggles.split(',').filter(Boolean) },
  show,
);

if (options.json) writeFileSync(options.json, JSON.stringify(rows, null, 2));
// Both sides keep devices open; Node would wait for them.
process.exit(rows.length && rows.every((row) => row.difference < 1e-3) ? 0 : 1);
