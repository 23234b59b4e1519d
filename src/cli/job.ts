/**
 * Writes a plan with its rows, pictures and rewards as a job for an engine that scales: data, scripts, settings, launch
 * lines and a README that says where the engine means something else. Trains nothing and needs no GPU.
 *
 *   npm run job -- --to trl --plan FILE|PRESET --data PATH --model ID|DIR --out DIR [--seed N] [--edits FILE]
 *     [--coordinates FILE=SPACE] [--unsaid-picture FILE=WHICH] [--answers boxes|words] [--turns all|last] [--skip-unusable]
 *
 * FILE is a plan as the studio's Recipe room writes it, PRESET the name of one that comes with it. Of a model that is
 * known, or a folder, only what it says of itself is read; another is fetched. DIR is made, or empty.
 */
import { existsSync, readdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { GroundworkError } from '../base/error.ts';
import { findPublished, publishedPreprocessor } from '../engine/model/published.ts';
import type { NamedModelFiles } from '../engine/protocol/index.ts';
import { EngineSession } from '../engine/session.ts';
import { existing, oneOf, outFolder, plan, readArguments, text, UsageError, whole } from './arguments.ts';
import { findModel } from './find-model.ts';
import { INTAKE_FLAGS, settleByFlags } from './intake.ts';
import { ENGINE_NAMES } from '../engine/jobs/names.ts';
import { filesUnder, writeFiles } from './node-files.ts';
import { runCommand } from './run-command.ts';
import { takeEdits } from './take-edits.ts';

const USAGE = 'usage: npm run job -- --to ENGINE --plan FILE|PRESET --data PATH --model ID|DIR --out DIR';

async function main(): Promise<void> {
  const { values } = await readArguments(USAGE, {
    to: oneOf(ENGINE_NAMES),
    plan,
    data: existing(),
    model: text(),
    out: text(),
    seed: whole(0),
    ...INTAKE_FLAGS,
  });
  const { to, data, model: where, out } = values;
  for (const [name, value] of Object.entries({ to, plan: values.plan, data, model: where, out }))
    if (value === undefined) throw new UsageError(`--${name} is missing.`, USAGE);
  const recipe = values.seed === undefined ? values.plan! : { ...values.plan!, seed: values.seed };
  if (existsSync(out!) && readdirSync(out!).length > 0)
    throw new UsageError(`--out: ${out!} is not empty.`, 'Choose another folder. Jobs do not mix.');
  const session = new EngineSession({
    openGpu: () => Promise.reject(new Error('writing a job needs no GPU')),
    fetchFile: () => Promise.reject(new Error('the command line reads files from disk')),
    emit: () => undefined,
  });
  const model = await modelNamed(where!);
  const opened = await session.handle({ type: 'open-dataset', name: basename(data!), files: await filesUnder(data!) });
  const dataset = await settleByFlags(opened, values, {
    reread: (options) => session.handle({ type: 'reread-dataset', dataset: opened.id, options }),
    skipped: (id) => session.handle({ type: 'skipped', dataset: id }),
    edit: (id, file) => takeEdits(session, id, file),
    note: (line) => console.log(line),
  });
  const files = await session.jobFiles({ engine: to!, dataset: dataset.id, recipe, model });
  const folder = await outFolder().read(out, '--out', []);
  await writeFiles(folder!, files);
  console.log(
    `A job for ${to!} with ${dataset.train} training rows, ${dataset.heldout} held out, in ${files.length} files: ${folder!}\nRead ${join(folder!, 'README.md')} first.`,
  );
}

/** What a model says of itself, without its weights where that goes. */
async function modelNamed(where: string): Promise<NamedModelFiles> {
  if (!existsSync(where)) {
    const known = findPublished(where);
    if (known)
      return { id: known.id, config: known.config, preprocessor: publishedPreprocessor(known.config), processor: null };
  }
  const found = await findModel(where, (line) => console.log(line));
  const read = async (name: string) => {
    const file = found.files.find(({ path }) => path === name)?.file;
    return file ? (JSON.parse(await file.text()) as NamedModelFiles['config']) : null;
  };
  const config = await read('config.json').catch(() => null);
  if (config === null)
    throw new GroundworkError(
      'usage',
      `--model: ${where} has no config.json that can be read.`,
      'Give the folder of a checkpoint, or its id on the Hub.',
    );
  return {
    id: existsSync(where) ? resolve(where) : where.split('@')[0]!,
    config,
    preprocessor: await read('preprocessor_config.json'),
    processor: await read('processor_config.json'),
  };
}

runCommand(main);
