/** Pictures of a benchmark that look like pictures of the training part, told on the command line. */
import { plural } from '../base/counts.ts';
import type { DatasetReport } from '../engine/protocol/index.ts';
import type { EngineSession } from '../engine/session.ts';

/** Compares the two parts where rows of a benchmark stand beside rows to train on, or where it is asked for. */
export async function tellLookAlikes(
  session: EngineSession,
  { id, train, heldout, benchmarks }: DatasetReport,
  asked: boolean,
): Promise<void> {
  if (train === 0 || heldout === 0 || (benchmarks.rows === 0 && !asked)) return;
  await session.handle({ type: 'compare-looks', dataset: id });
  const { looks, findings } = await session.handle({ type: 'health', dataset: id });
  for (const { key, rows, title, fix } of findings)
    if (key === 'picture-leak' || key === 'picture-alike') console.log(`${rows} rows ${title}. ${fix}`);
  if (!looks) return;
  const { pictures, pairs, undecoded } = looks;
  if (pictures === 0) console.log('No held-out picture looks like one of the training part.');
  for (const pair of pairs) console.log(`  ${pair.heldout} looks like ${pair.train} of the training part`);
  if (pictures > pairs.length) console.log(`  and ${pictures - pairs.length} more`);
  if (undecoded > 0)
    console.log(
      `${plural(undecoded, 'picture')} could not be decoded, and ${undecoded === 1 ? 'was' : 'were'} not compared.`,
    );
}
