/**
 * Ours against its peers on the same adapter, in turns.
 *
 *     npm run bench -- [--only REGEX] [--against REGEX] [--rounds N] [--seconds N] [--json FILE] [--chromium]
 *                      [--toggles a,b] [--cold] [--revision REV]
 *
 * --revision races our kernels with those of another git revision, in place of the peers: HEAD says what is not
 * committed yet is worth. Where the adapter is a processor, rows tell what processor time the driver's threads took: look
 * at that when other work shares the machine.
 * --chromium runs the same page in headless Chromium instead of Dawn under Node. --toggles sets Dawn's (for all sides).
 * GROUNDWORK_PROFILE names the tuning profile of our kernels (Node only).
 * --cold gives Mesa an empty place for what it compiles, so that first runs are first runs. (Without any place it would
 * compile for each device anew, and ours compiles on two at once.)
 */
import { writeFileSync } from 'node:fs';
import { flag, outFile, pattern, readArguments, text, UsageError, whole } from '../src/cli/arguments.ts';
import { withEmptyShaderCache } from '../src/cli/cold.ts';
import { runCommand } from '../src/cli/run-command.ts';
import { isProfile, PROFILES } from '../src/gpu/tuning.ts';
import { header, print, type Row } from './contest.ts';

const USAGE =
  'usage: npm run bench -- [--only REGEX] [--against REGEX] [--rounds N] [--seconds N] [--json FILE] [--chromium] [--toggles a,b] [--cold] [--revision REV]';

async function main(): Promise<number> {
  const { values: options } = await readArguments(USAGE, {
    only: pattern,
    against: pattern,
    rounds: whole(1, 12),
    seconds: whole(1, 60),
    json: outFile,
    chromium: flag,
    toggles: text('disable_workgroup_init'),
    cold: flag,
    revision: text(),
  });
  const named = process.env['GROUNDWORK_PROFILE'] || null;
  if (named !== null && !isProfile(named))
    throw new UsageError(`GROUNDWORK_PROFILE is “${named}”.`, `Choose one of ${PROFILES.join(', ')}.`);
  if (options.revision !== undefined && options.chromium)
    throw new UsageError('--revision runs under Node.', 'Leave out --chromium.');
  const rows: Row[] = [];
  const show = (row: Row) => {
    if (!rows.length) console.log(`${row.adapter}; best of ${options.rounds} runs in turns, at most\n${header()}`);
    rows.push(row);
    console.log(print(row));
  };
  const { run } = options.chromium ? await import('./chromium.ts') : await import('./node.ts');
  const race = () =>
    run(
      {
        only: options.only,
        against: options.against,
        rounds: options.rounds,
        seconds: options.seconds,
        ...(named !== null && { profile: named }),
        ...(options.revision !== undefined && { revision: options.revision }),
        toggles: options.toggles.split(',').filter(Boolean),
      },
      show,
    );
  await (options.cold ? withEmptyShaderCache(race) : race());
  if (options.json) writeFileSync(options.json, JSON.stringify(rows, null, 2));
  const apart = rows.filter((row) => !(row.difference < 1e-3));
  for (const row of apart) console.error(`${row.name} and ${row.rival} disagree by ${row.difference}.`);
  // Both sides keep devices open; Node would wait for them, and the command does not.
  return rows.length && !apart.length ? 0 : 1;
}

runCommand(main);
