/**
 * What a dataset is read as, without a model and without training: how many rows, how their boxes are read, what was
 * done to them, what is asked, and some rows as they were understood. Ends with exit code 2 while a question is open.
 * Pictures of a benchmark are compared by their looks with those to train on; --look-alikes does so for any held-out part.
 * Several PATHs are one dataset, as in the studio: the first keeps its paths, the others come under their folder's name.
 * Of detection annotations (COCO) it composes rows of several pictures, and writes them with their pictures into DIR.
 *
 *   npm run dataset -- PATH… [--show N] [--coordinates FILE=SPACE] [--unsaid-picture FILE=WHICH]
 *     [--look-alikes] [--answers boxes|words] [--turns all|last] [--skip-unusable] [--edits FILE]
 *     [--compose find,common,count [--pictures K] [--rows N] [--seed N] [--out DIR]]
 */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { plural } from '../base/counts.ts';
import { EngineSession } from '../engine/session.ts';
import type { DatasetReport, Row } from '../engine/protocol/index.ts';
import { flag, outFolder, readArguments, UsageError, whole } from './arguments.ts';
import { COMPOSE_FLAGS, composeFrom, writeComposed } from './compose.ts';
import { INTAKE_FLAGS, settleByFlags } from './intake.ts';
import { filesOfDatasets } from './node-files.ts';
import { registerDecoder } from '../image/decode.ts';
import { nodeDecode } from '../image/node-decode.ts';
import { tellLookAlikes } from './look-alikes.ts';
import { rowWords } from './row-words.ts';
import { runCommand } from './run-command.ts';
import { takeEdits } from './take-edits.ts';

const USAGE = 'usage: npm run dataset -- PATH… [--show N] [--coordinates FILE=SPACE] [--skip-unusable] [--edits FILE]';

/** Issues that are printed; the studio lists them all. */
const ISSUES_PRINTED = 20;

async function main(): Promise<void> {
  const { values, positionals } = await readArguments(
    USAGE,
    { show: whole(0, 3), 'look-alikes': flag, out: outFolder(), ...COMPOSE_FLAGS, ...INTAKE_FLAGS },
    Infinity,
  );
  const [path, ...others] = positionals;
  if (path === undefined) throw new UsageError('No dataset is named.', USAGE);
  for (const each of positionals) if (!existsSync(each)) throw new UsageError(`There is nothing at ${each}.`, USAGE);
  const compose = composeFrom(values);
  if (values.out !== undefined && !compose)
    throw new UsageError('--out writes rows that were composed.', 'Say which questions: --compose find,common,count.');
  const session = new EngineSession({
    openGpu: () => Promise.reject(new Error('reading a dataset needs no GPU')),
    fetchFile: () => Promise.reject(new Error('the command line reads files from disk')),
    emit: () => undefined,
  });
  const opened = await session.handle({
    type: 'open-dataset',
    name: basename(path),
    files: await filesOfDatasets([path, ...others]),
    ...(compose && { options: { compose } }),
  });
  printReport(opened);
  let unsettled: unknown = null;
  let dataset = opened;
  try {
    dataset = await settleByFlags(opened, values, {
      reread: async (options) =>
        (dataset = await session.handle({ type: 'reread-dataset', dataset: opened.id, options })),
      skipped: (id) => session.handle({ type: 'skipped', dataset: id }),
      edit: (id, file) => takeEdits(session, id, file),
      note: (line) => console.log(line),
    });
  } catch (error) {
    unsettled = error;
  }
  for (const split of ['train', 'heldout'] as const) {
    const { rows } = await session.handle({ type: 'rows', dataset: dataset.id, split, offset: 0, count: values.show });
    printRows(split, rows);
  }
  await tellFindings(session, dataset);
  if (unsettled !== null) throw unsettled;
  registerDecoder(nodeDecode);
  await tellLookAlikes(session, dataset, values['look-alikes'] ?? false);
  if (values.out !== undefined) console.log(await writeComposed(session, dataset, values.out));
}

function printReport({ format, files, train, heldout, images, leftOut, issues, issueCount }: DatasetReport): void {
  const rows = `${plural(train, 'training row')}, ${heldout} held out, ${leftOut} left out, ${plural(images, 'picture')}`;
  console.log(`${format}\n${rows}`);
  for (const { path, kind, rows: n } of files) console.log(`  ${path}: ${kind}, ${plural(n, 'row')}`);
  for (const { file, line, field, reason, fix, severity } of issues.slice(0, ISSUES_PRINTED))
    console.log(`  ${severity}: ${[file, line || '', field].filter(Boolean).join(' ')}: ${reason}. ${fix}`);
  const more = issueCount.errors + issueCount.warnings - ISSUES_PRINTED;
  if (more > 0) console.log(`  and ${more} more`);
}

/** What spoils a run or a measurement, as the Data room's Health has it. Shared pictures are in the notes. */
async function tellFindings(session: EngineSession, { id }: DatasetReport): Promise<void> {
  const { findings } = await session.handle({ type: 'health', dataset: id });
  const bad = findings.filter(({ severity, key }) => severity === 'bad' && !key.startsWith('picture-'));
  if (bad.length) console.log('');
  for (const { rows, title, fix } of bad) console.log(`${plural(rows, 'row')} ${title}. ${fix}`);
}

function printRows(split: Row['split'], rows: readonly Row[]): void {
  if (rows.length) console.log(split === 'train' ? '\nTraining rows' : '\nHeld-out rows');
  for (const row of rows) console.log(rowWords(row));
}

runCommand(main);
