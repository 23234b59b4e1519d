/**
 * Merges adapters, whole checkpoints, the checkpoints of a run, or an adapter with the model it was trained on. Before anything is written it shows how like its
 * parts the result is.
 *
 *   npm run merge -- adapters DIR[=WEIGHT]… --out DIR [--method cat] [--density D] [--signs total|frequency] [--rank N] [--seed N]
 *   npm run merge -- models DIR[=WEIGHT]… --out DIR [--method linear] [--base DIR] [--density D] [--lambda L]
 *   npm run merge -- checkpoints DIR --out DIR [--rank N] [--last N]
 *   npm run merge -- into MODEL ADAPTER… --out DIR
 *
 * Adapters are folders or zips as PEFT writes them, and need no model. Models are folders of Hugging Face checkpoints; they are read
 * and written tensor by tensor. Into a model, adapters go in the order of their training, the vision tower included. The DIR of checkpoints is what npm run demo was given as --out. Weights are 1 if not
 * said. --inspect writes nothing.
 */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { subject } from '../base/counts.ts';
import { averageCheckpoints, mergeAdapterFolders } from '../engine/merging/adapter-merge.ts';
import { mergeCheckpointFolders } from '../engine/merging/checkpoint-merge.ts';
import { mergeIntoModel } from '../engine/merging/merge-into.ts';
import { storageInFiles } from '../store/storage.ts';
import type { OutputFile } from '../train/checkpoint-folder.ts';
import { COMBINATIONS, type CombinationKind } from '../train/merging/combinations.ts';
import { CHECKPOINT_METHODS, type CheckpointMethodName } from '../train/merging/checkpoint-methods.ts';
import { leastLike, type MergeLikeness } from '../train/merging/likeness.ts';
import { existing, flag, oneOf, outFolder, readArguments, real, UsageError, whole } from './arguments.ts';
import { nodeFileStore } from './node-file-store.ts';
import { filesUnder, writeFiles } from './node-files.ts';
import { runCommand } from './run-command.ts';

const USAGE =
  'usage: npm run merge -- adapters|models|checkpoints|into DIR[=WEIGHT]… --out DIR [--method HOW] [--inspect]; the first lines of src/cli/merge.ts name the other options';

/** Modules shown: those that point away from their parts the most. */
const SHOWN = 5;

interface Merge {
  readonly names: readonly string[];
  readonly notes: readonly string[];
  /** Null where there is nothing to compare: an adapter goes into its model as it is. */
  readonly likeness: MergeLikeness | null;
  files(): OutputFile[];
}

async function main(): Promise<void> {
  const { values, positionals } = await readArguments(
    USAGE,
    {
      method: oneOf([...new Set([...Object.keys(COMBINATIONS), ...Object.keys(CHECKPOINT_METHODS)])]),
      base: existing(),
      density: real,
      lambda: real,
      signs: oneOf<'total' | 'frequency'>(['total', 'frequency']),
      rank: whole(1),
      last: whole(2),
      seed: whole(0, 0),
      inspect: flag,
      out: outFolder(),
    },
    Infinity,
  );
  const [what, ...named] = positionals;
  const { out, inspect } = values;
  if (out === undefined && !inspect) throw new UsageError('--out is missing.', USAGE);
  if (named.length === 0) throw new UsageError('There is nothing to merge.', USAGE);
  if (out !== undefined && (await readdir(out)).length > 0)
    throw new UsageError(`--out: ${out} is not empty.`, 'Name an empty or a new folder, so that no files are mixed.');
  const merge = await mergeOf(what, named, values);
  for (const line of likenessLines(merge)) console.log(line);
  for (const note of merge.notes) console.log(note);
  if (out === undefined || inspect) return;
  await writeFiles(out, merge.files(), (path) => console.log(path));
}

type Values = {
  readonly method: string | undefined;
  readonly base: string | undefined;
  readonly density: number | undefined;
  readonly lambda: number | undefined;
  readonly signs: 'total' | 'frequency' | undefined;
  readonly rank: number | undefined;
  readonly last: number | undefined;
  readonly seed: number;
};

async function mergeOf(what: string | undefined, named: readonly string[], values: Values): Promise<Merge> {
  const { base, density, lambda, signs, rank, last, seed } = values;
  if (what === 'adapters') {
    refuse({ base, lambda, last }, what);
    return mergeAdapterFolders(await folders(named), {
      kind: methodOf(values.method, COMBINATIONS, 'cat') as CombinationKind,
      weights: named.map((name) => split(name).weight),
      seed,
      ...(density !== undefined && { density }),
      ...(signs !== undefined && { signs }),
      ...(rank !== undefined && { rank }),
    });
  }
  if (what === 'models') {
    refuse({ signs, rank, last }, what);
    const from = base === undefined ? null : (await folders([base]))[0]!;
    const merge = await mergeCheckpointFolders(
      await folders(named),
      from,
      methodOf(values.method, CHECKPOINT_METHODS, 'linear') as CheckpointMethodName,
      {
        weights: named.map((name) => split(name).weight),
        ...(density !== undefined && { density }),
        ...(lambda !== undefined && { lambda }),
      },
    );
    return { ...merge, likeness: await merge.likeness() };
  }
  if (what === 'checkpoints') {
    refuse({ base, density, lambda, signs, '--method': values.method }, what);
    if (named.length > 1) throw new UsageError(`“${named[1]}” is not expected.`, USAGE);
    const place = existsSync(join(named[0]!, 'run')) ? join(named[0]!, 'run') : named[0]!;
    if (!existsSync(place)) throw new UsageError(`There is nothing at ${named[0]}.`, USAGE);
    return averageCheckpoints(storageInFiles(nodeFileStore(place)), rank ?? null, last ?? null);
  }
  if (what === 'into') {
    refuse({ base, density, lambda, signs, rank, last, '--method': values.method }, what);
    const [model, ...adapters] = await folders(named);
    if (!adapters.length) throw new UsageError('There is no adapter to merge into the model.', USAGE);
    const { changed, inTower, notes, files } = await mergeIntoModel(model!, adapters);
    const told = `${subject(changed, 'module', 'is', 'are')} changed, ${inTower} of them of the vision tower.`;
    return { names: [], notes: [told, ...notes], likeness: null, files };
  }
  throw new UsageError(`“${what}” cannot be merged.`, USAGE);
}

/** `DIR` or `DIR=WEIGHT`; a folder whose name has the whole is that folder. */
function split(named: string): { readonly path: string; readonly weight: number } {
  const at = named.lastIndexOf('=');
  if (at < 0 || existsSync(named)) return { path: named, weight: 1 };
  const [path, weight] = [named.slice(0, at), Number(named.slice(at + 1))];
  if (named.slice(at + 1).trim() === '' || !Number.isFinite(weight))
    throw new UsageError(`The weight of “${named}” is not a number.`, 'Write DIR=WEIGHT, such as out/adapter=0.5.');
  return { path, weight };
}

async function folders(named: readonly string[]) {
  const all: { readonly name: string; readonly files: Awaited<ReturnType<typeof filesUnder>> }[] = [];
  for (const name of named) {
    const { path } = split(name);
    if (!existsSync(path)) throw new UsageError(`There is nothing at ${path}.`, USAGE);
    all.push({ name: basename(resolve(path)), files: await filesUnder(path) });
  }
  // Two folders of the same name are told apart by their paths.
  return all.map((folder, i) =>
    all.filter(({ name }) => name === folder.name).length > 1 ? { ...folder, name: split(named[i]!).path } : folder,
  );
}

function methodOf(given: string | undefined, table: object, fallback: string): string {
  if (given === undefined) return fallback;
  if (given in table) return given;
  throw new UsageError(`--method is “${given}”.`, `Here it is one of ${Object.keys(table).join(', ')}.`);
}

function refuse(given: Readonly<Record<string, unknown>>, what: string): void {
  const [name] = Object.entries(given).find(([, value]) => value !== undefined) ?? [];
  if (name !== undefined) throw new UsageError(`--${name.replace(/^--/, '')} means nothing for ${what}.`, USAGE);
}

const cosine = (value: number | null): string => (value === null ? '–' : value.toFixed(3));

function likenessLines({ names, likeness }: Pick<Merge, 'names' | 'likeness'>): string[] {
  if (!likeness) return [];
  const { parts, norm } = likeness;
  const width = Math.max(6, ...names.map((name) => name.length));
  return [
    `${'part'.padEnd(width)}  length of its change  cosine with the result`,
    ...parts.map((p, i) => `${names[i]!.padEnd(width)}  ${p.norm.toPrecision(4).padEnd(20)}  ${cosine(p.cosine)}`),
    `${'result'.padEnd(width)}  ${norm.toPrecision(4)}`,
    `The result is least like its parts in:`,
    ...leastLike(likeness, SHOWN).map(({ module, cosines }) => `  ${module}: ${cosines.map(cosine).join(', ')}`),
  ];
}

runCommand(main);
