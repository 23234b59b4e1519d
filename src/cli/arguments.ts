/**
 * What a command was told, read before it begins: an option is declared with what it may be, and one that is told
 * otherwise is refused in a sentence. Files that are to be read are there, and files that are to be written can be.
 */
import { constants, existsSync } from 'node:fs';
import { access, mkdir, open, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { GroundworkError } from '../base/error.ts';
import { isPreset, PRESET_NAMES, presetRecipe } from '../train/presets.ts';
import { advise } from '../train/recipe-check.ts';
import { parseRecipe } from '../train/recipe-schema.ts';
import { GGUF_PRECISIONS, type GgufPrecision } from '../train/gguf/precisions.ts';
import type { Recipe } from '../train/recipe.ts';
import { REWARD_NAMES, type RewardName, type RewardWeights } from '../train/rewards/index.ts';
import { systemCode } from './system-code.ts';

/** The command was told something that it cannot do; nothing was begun. */
export class UsageError extends GroundworkError {
  constructor(message: string, hint: string) {
    super('usage', message, hint);
  }
}

/** What an option may be. */
export interface Option<T> {
  readonly type: 'string' | 'boolean';
  /** @param name as it is written: `--seed` */
  readonly read: (given: string | undefined, name: string, all: readonly string[]) => T | Promise<T>;
  /** May be given several times. */
  readonly multiple?: true;
}

type Read<O> = { readonly [K in keyof O]: O[K] extends Option<infer T> ? T : never };

export const flag: Option<boolean> = { type: 'boolean', read: (given) => given !== undefined };

export const text = <D extends string | undefined = undefined>(fallback?: D): Option<string | D> => ({
  type: 'string',
  read: (given) => given ?? (fallback as D),
});

/** Given as often as one likes. */
export const texts: Option<readonly string[]> = { type: 'string', multiple: true, read: (_given, _name, all) => all };

/** A whole number from `min` on. */
export const whole = <D extends number | undefined = undefined>(min: number, fallback?: D): Option<number | D> => ({
  type: 'string',
  read(given, name) {
    if (given === undefined) return fallback as D;
    const value = Number(given);
    if (given.trim() !== '' && Number.isSafeInteger(value) && value >= min) return value;
    throw new UsageError(`${name} is “${given}”.`, `Give a whole number from ${min}.`);
  },
});

/** A number. */
export const real: Option<number | undefined> = {
  type: 'string',
  read(given, name) {
    if (given === undefined) return undefined;
    const value = Number(given);
    if (given.trim() !== '' && Number.isFinite(value)) return value;
    throw new UsageError(`${name} is “${given}”.`, 'Give a number.');
  },
};

/** A regular expression. */
export const pattern: Option<string> = {
  type: 'string',
  read(given = '', name) {
    try {
      return new RegExp(given).source && given;
    } catch {
      throw new UsageError(`${name} is “${given}”.`, 'Give a regular expression.');
    }
  },
};

/** One of some words. */
export const oneOf = <T extends string>(choices: readonly T[]): Option<T | undefined> => ({
  type: 'string',
  read(given, name) {
    const choice = choices.find((each) => each === given);
    if (given === undefined || choice !== undefined) return choice;
    throw new UsageError(`${name} is “${given}”.`, `Choose from ${choices.join(', ')}.`);
  },
});

/** Names apart by commas, of those there are. */
export const someOf = (choices: readonly string[], fallback: string): Option<readonly string[]> => ({
  type: 'string',
  read(given = fallback, name) {
    const names = given.split(',');
    const unknown = names.find((n) => !choices.includes(n));
    if (unknown === undefined) return names;
    throw new UsageError(`${name} has “${unknown}”.`, `Choose from ${choices.join(', ')}, separated by commas.`);
  },
});

/** A file or folder that is there. */
export const existing = <D extends string | undefined = undefined>(fallback?: D): Option<string | D> => ({
  type: 'string',
  read(given, name) {
    if (given === undefined) return fallback as D;
    if (existsSync(given)) return given;
    throw new UsageError(`${name}: there is nothing at ${given}.`, 'Give the path of a file or folder that is there.');
  },
});

/** Paths that are there, one or several. */
export const existingOnes = (fallback: string): Option<readonly [string, ...string[]]> => ({
  type: 'string',
  multiple: true,
  read(_given, name, all) {
    const missing = all.find((path) => !existsSync(path));
    if (missing !== undefined)
      throw new UsageError(
        `${name}: there is nothing at ${missing}.`,
        'Give the path of a file or folder that is there.',
      );
    const [first = fallback, ...more] = all;
    return [first, ...more];
  },
});

const cannotWrite = (name: string, path: string, error: unknown) =>
  new UsageError(
    `${name}: ${path} cannot be written (${systemCode(error) ?? String(error)}).`,
    'Choose another place.',
  );

/** A folder to write to; it is made. */
export const outFolder = <D extends string | undefined = undefined>(fallback?: D): Option<string | D> => ({
  type: 'string',
  async read(given, name) {
    const path = given ?? fallback;
    if (path === undefined) return undefined as D;
    try {
      await mkdir(path, { recursive: true });
      await access(path, constants.W_OK);
    } catch (error) {
      throw cannotWrite(name, path, error);
    }
    return path;
  },
});

/** A file to write; what was in it stays there until then. */
export const outFile: Option<string | undefined> = {
  type: 'string',
  async read(given, name) {
    if (given === undefined) return undefined;
    try {
      if (existsSync(given)) await (await open(given, 'r+')).close();
      else {
        if (!(await stat(dirname(given))).isDirectory()) throw new Error('its folder is a file');
        await access(dirname(given), constants.W_OK);
      }
    } catch (error) {
      throw cannotWrite(name, given, error);
    }
    return given;
  },
};

/** A word that is no path. */
const isName = (given: string) => /^[\w-]+$/.test(given);

/** A preset by its name, or a file with a plan that can be run, as the studio's Recipe room saves it. */
export const plan: Option<Recipe | undefined> = {
  type: 'string',
  async read(given, name) {
    if (given === undefined) return undefined;
    if (isPreset(given)) return presetRecipe(given);
    const content = await readFile(given, 'utf8').catch((error: unknown) => {
      if (isName(given) && systemCode(error) === 'ENOENT')
        throw new UsageError(
          `${name}: there is no preset “${given}”, and no file of that name. Presets are ${PRESET_NAMES.join(', ')}.`,
          `Choose one of them, or give the path of a plan as the Recipe room saves it.`,
        );
      throw new UsageError(
        `${name}: ${given} cannot be read (${systemCode(error) ?? String(error)}).`,
        'Give the path of a plan as the Recipe room saves it.',
      );
    });
    const recipe = parseRecipe(content, given, 'refused');
    const fault = advise(recipe).find(({ severity }) => severity === 'error');
    if (!fault) return recipe;
    const where = fault.stage === null ? '' : ` Stage ${fault.stage + 1}, “${recipe.stages[fault.stage]!.name}”:`;
    throw new UsageError(`${given} cannot be run.${where} ${fault.text}`, fault.hint || 'Change the plan.');
  },
};

/** Weights of rewards, `NAME=WEIGHT`, for every stage that compares completions by them. */
export const rewardWeights: Option<RewardWeights> = {
  type: 'string',
  multiple: true,
  read: (_given, name, all) =>
    Object.fromEntries(
      all.map((words) => {
        const [reward = '', weight = ''] = words.split('=');
        const value = Number(weight);
        if (!REWARD_NAMES.includes(reward as RewardName))
          throw new UsageError(
            `${name}: there is no reward “${reward}”. Rewards are ${REWARD_NAMES.join(', ')}.`,
            'Give the name of one of them with its weight, as instruction=0.5.',
          );
        if (weight.trim() === '' || !Number.isFinite(value))
          throw new UsageError(
            `${name}: the weight of ${reward} is “${weight}”.`,
            'Give a number, as instruction=0.5.',
          );
        return [reward, value];
      }),
    ),
};

/** In what GGUF files are written besides the results; none: no such file. */
export const ggufPrecisions: Option<readonly GgufPrecision[]> = {
  type: 'string',
  multiple: true,
  read: (_given, name, all) =>
    all.map((words) => {
      const found = GGUF_PRECISIONS.find((each) => each === words);
      if (found) return found;
      throw new UsageError(`${name}: there is no precision “${words}”.`, `Give one of ${GGUF_PRECISIONS.join(', ')}.`);
    }),
};

/** A plan with other weights in each stage that goes by rewards. */
export const withWeights = (recipe: Recipe, weights: RewardWeights): Recipe => ({
  ...recipe,
  stages: recipe.stages.map((stage) =>
    stage.kind === 'grpo' ? { ...stage, rewardWeights: { ...stage.rewardWeights, ...weights } } : stage,
  ),
});

/**
 * The options, and what stands beside them.
 * @param usage said where the command was told something else
 * @param most how many words may stand beside the options
 * @throws UsageError, and `recipe-unreadable` for a plan that is none
 */
export async function readArguments<O extends Readonly<Record<string, Option<unknown>>>>(
  usage: string,
  options: O,
  most = 0,
): Promise<{ readonly values: Read<O>; readonly positionals: readonly string[] }> {
  const { values, positionals } = parsed(usage, options);
  if (positionals.length > most) throw new UsageError(`“${positionals[most]}” is not expected.`, usage);
  const read: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(options)) {
    const given = values[name];
    const all = given === undefined ? [] : [given].flat().map(String);
    read[name] = await option.read(all.at(-1), `--${name}`, all);
  }
  return { values: read as Read<O>, positionals };
}

function parsed(usage: string, options: Readonly<Record<string, Option<unknown>>>) {
  try {
    return parseArgs({
      allowPositionals: true,
      options: Object.fromEntries(
        Object.entries(options).map(([name, { type, multiple = false }]) => [name, { type, multiple }]),
      ),
    }) as { values: Record<string, string | boolean | (string | boolean)[] | undefined>; positionals: string[] };
  } catch (error) {
    if (!String((error as { code?: unknown }).code).startsWith('ERR_PARSE_ARGS')) throw error;
    // Node adds for what else the word may have been meant.
    const [sentence = ''] = (error as Error).message.split(/\. |\n/);
    throw new UsageError(`${sentence.replace(/\.$/, '')}.`, usage);
  }
}
