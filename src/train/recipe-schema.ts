/**
 * Reads a plan that someone gave, against the schemas of its stages: what is unknown, of another type or out of bounds is
 * refused with its place, what was found there, and what is allowed.
 */
import { isObject } from '../base/json.ts';
import { GroundworkError } from '../base/error.ts';
import type { PictureBudget } from '../models/picture-budget.ts';
import { DRAW, DRAW_SCHEMA, type DrawSettings } from './draw-settings.ts';
import { PICTURES_SCHEMA } from './picture-settings.ts';
import { PROMPT, PROMPT_SCHEMA, type AskedHow, type PromptSettings } from './prompt.ts';
import type { Recipe } from './recipe.ts';
import { getAt, real, setAt, type Spec } from './stages/schema.ts';
import { KINDS, STAGES, type Stage, type StageKind } from './stages/index.ts';

/** What keeps a value from being a plan. */
export interface RecipeFault {
  /** e.g. `stages[1].lora.r` */
  readonly path: string;
  readonly found: string;
  readonly allowed: string;
}

/**
 * Whether a setting that is missing gets its default: of plans that Groundwork itself has stored, which may be older than
 * the setting. Of a file, only what came later than files may be missing.
 */
export type Missing = 'default' | 'refused';

/** More is a mistake, or something else than a recipe: nobody can look through them. */
export const MOST_STAGES = 200;

type Read = { readonly recipe: Recipe } | { readonly faults: readonly RecipeFault[] };

/** A plan, or everything that is wrong with it. */
export function readRecipe(value: unknown, missing: Missing): Read {
  const faults: RecipeFault[] = [];
  const refuse = (path: string, at: unknown, allowed: string) => void faults.push({ path, found: shown(at), allowed });
  if (!isObject(value)) {
    refuse('', value, 'an object with a list of stages');
    return { faults };
  }
  const {
    name = 'Opened recipe',
    seed = 42,
    stages,
    prompt: given,
    draw: drawn,
    pictures: limited,
    ...unknown
  } = value;
  for (const [key, at] of Object.entries(unknown))
    refuse(key, at, 'only name, seed, prompt, draw, pictures and stages');
  if (typeof name !== 'string') refuse('name', name, 'a text');
  if (!Number.isSafeInteger(seed) || (seed as number) < 0) refuse('seed', seed, 'a whole number from 0');
  if (!Array.isArray(stages)) refuse('stages', stages, 'a list of stages');
  else if (stages.length > MOST_STAGES)
    faults.push({ path: 'stages', found: `a list of ${stages.length}`, allowed: `at most ${MOST_STAGES} stages` });
  const listed = Array.isArray(stages) && stages.length <= MOST_STAGES ? stages : [];
  const read = listed.map((stage, i) => readStage(stage, `stages[${i}]`, missing, refuse));
  // Plans of before there were prompts, and those that ask as rows are written, have none.
  const prompt = given === undefined ? null : readPrompt(given, refuse);
  const draw = drawn === undefined ? null : readDraw(drawn, refuse);
  const pictures = limited === undefined ? null : readPictures(limited, refuse);
  if (faults.length > 0) return { faults };
  return {
    recipe: {
      name: name as string,
      seed: seed as number,
      ...(prompt && { prompt }),
      ...(draw && { draw }),
      ...(pictures && { pictures }),
      stages: read as readonly Stage[],
    },
  };
}

/** Settings that are left out have their defaults; of a task, those of all rows. */
function readPrompt(value: unknown, refuse: Refuse): PromptSettings | null {
  if (!isObject(value)) return refuse('prompt', value, 'an object with its settings') ?? null;
  const { tasks, ...all } = value;
  const settings = { ...PROMPT, ...readAskedHow(all, 'prompt', refuse) };
  if (tasks !== undefined && !isObject(tasks)) refuse('prompt.tasks', tasks, 'an object with settings by task');
  if (!isObject(tasks)) return settings;
  const byTask = Object.entries(tasks).map(([task, own]) => {
    const path = `prompt.tasks.${task}`;
    if (!isObject(own)) refuse(path, own, 'an object with its settings');
    return [task, isObject(own) ? readAskedHow(own, path, refuse) : {}] as const;
  });
  return { ...settings, tasks: Object.fromEntries(byTask) };
}

const readAskedHow = (value: object, path: string, refuse: Refuse): Partial<AskedHow> =>
  readSettings(value, PROMPT_SCHEMA, path, 'a prompt', refuse);

/** Settings that are left out have their defaults. */
function readDraw(value: unknown, refuse: Refuse): DrawSettings | null {
  if (!isObject(value)) return refuse('draw', value, 'an object with its settings') ?? null;
  const { shares, ...all } = value;
  const settings = { ...DRAW, ...readSettings<Partial<DrawSettings>>(all, DRAW_SCHEMA, 'draw', 'draw', refuse) };
  if (shares === undefined) return settings;
  if (!isObject(shares)) return refuse('draw.shares', shares, 'an object with a share by file or task') ?? null;
  for (const [name, share] of Object.entries(shares))
    if (!allows(SHARE, share)) refuse(`draw.shares.${name}`, share, allowedBy(SHARE));
  return { ...settings, shares: shares as Record<string, number> };
}

/** What is left out is the checkpoint's own; a budget that sets nothing is none. */
function readPictures(value: unknown, refuse: Refuse): PictureBudget | null {
  if (!isObject(value)) return refuse('pictures', value, 'an object with its settings') ?? null;
  const budget = readSettings<PictureBudget>(value, PICTURES_SCHEMA, 'pictures', 'a picture budget', refuse);
  return Object.keys(budget).length > 0 ? budget : null;
}

const SHARE = real(0, 1);

/** An object of settings without groups, as it is; what its schema does not allow is refused. */
function readSettings<T extends object>(
  value: object,
  schema: Readonly<Record<string, Spec>>,
  path: string,
  of: string,
  refuse: Refuse,
): T {
  for (const [key, at] of Object.entries(value)) {
    const spec = Object.hasOwn(schema, key) ? schema[key]! : null;
    if (spec === null) refuse(`${path}.${key}`, at, `nothing of that name in ${of}`);
    else if (!allows(spec, at)) refuse(`${path}.${key}`, at, allowedBy(spec));
  }
  return value as T;
}

type Refuse = (path: string, found: unknown, allowed: string) => void;

function readStage(value: unknown, path: string, missing: Missing, refuse: Refuse): unknown {
  if (!isObject(value)) return refuse(path, value, 'a stage: an object with its kind');
  const kind = value['kind'] as StageKind;
  if (!KINDS.includes(kind)) return refuse(`${path}.kind`, kind, listed(KINDS));
  const { defaults } = STAGES[kind];
  const schema: Readonly<Record<string, Spec>> = STAGES[kind].schema;
  const { name = defaults.name } = value;
  if (typeof name !== 'string') refuse(`${path}.name`, name, 'a text');
  const settings = Object.keys(schema);
  const groups = new Set(settings.flatMap(groupsOf));
  for (const [at, found] of leaves(value, groups))
    if (!(at in schema) && !groups.has(at) && at !== 'kind' && at !== 'name')
      refuse(`${path}.${at}`, found, `nothing of that name in a stage of kind ${kind}`);
  let stage: object = { kind, name };
  const set = (at: string, setTo: unknown) => void (stage = setAt(stage, at, setTo));
  const whole = new Set<string>();
  for (const group of groups) {
    const given = getAt(value, group);
    if (isObject(given)) {
      set(group, {});
      continue;
    }
    whole.add(group);
    const older = settings.every((at) => !at.startsWith(`${group}.`) || schema[at]!.later);
    if (given === undefined && (missing === 'default' || older)) set(group, getAt(defaults, group));
    else refuse(`${path}.${group}`, given, 'an object with its settings');
  }
  for (const at of settings.filter((setting) => !groupsOf(setting).some((group) => whole.has(group)))) {
    const spec = schema[at]!;
    const given = getAt(value, at);
    const may = missing === 'default' || spec.later || spec.optional;
    const used = given === undefined && may ? (spec.absent ?? getAt(defaults, at)) : given;
    if (used === undefined && spec.optional) continue;
    if (allows(spec, used)) set(at, used);
    else refuse(`${path}.${at}`, used, allowedBy(spec));
  }
  return stage;
}

/** The groups that a setting is in: of `a.b.c`, a and a.b. */
const groupsOf = (setting: string): string[] =>
  setting.split('.').flatMap((_, i, parts) => (i > 0 ? [parts.slice(0, i).join('.')] : []));

/** What is given, group by group. */
function leaves(value: object, groups: ReadonlySet<string>, before = ''): (readonly [string, unknown])[] {
  return Object.entries(value).flatMap(([key, at]) => {
    const path = `${before}${key}`;
    return groups.has(path) && isObject(at) ? leaves(at, groups, `${path}.`) : [[path, at] as const];
  });
}

function allows(spec: Spec, value: unknown): boolean {
  switch (spec.type) {
    case 'number':
      return (
        typeof value === 'number' &&
        value >= spec.min &&
        value <= spec.max &&
        (!spec.integer || Number.isInteger(value))
      );
    case 'flag':
      return typeof value === 'boolean';
    case 'choice':
      return spec.choices.includes(value as string);
    case 'text':
      return typeof value === 'string' && value.length <= spec.most;
    case 'modules':
      return typeof value === 'string' || (Array.isArray(value) && value.every((name) => typeof name === 'string'));
  }
}

function allowedBy(spec: Spec): string {
  switch (spec.type) {
    case 'number':
      return `a ${spec.integer ? 'whole number' : 'number'} from ${spec.min} to ${spec.max}`;
    case 'flag':
      return 'true or false';
    case 'choice':
      return listed(spec.choices);
    case 'text':
      return `a text of at most ${spec.most} characters`;
    case 'modules':
      return 'a list of module names, or one text';
  }
}

const listed = (names: readonly string[]): string =>
  names.length > 1 ? `${names.slice(0, -1).join(', ')} or ${names.at(-1)}` : names.join('');

const MOST_SHOWN = 60;

/** A value in a sentence. */
function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length > 0 ? 'a list' : 'an empty list';
  if (isObject(value)) return 'an object';
  if (typeof value !== 'string') return String(value);
  return `the text “${value.length > MOST_SHOWN ? `${value.slice(0, MOST_SHOWN)}…` : value}”`;
}

/** A fault as a sentence. */
export const sayFault = ({ path, found, allowed }: RecipeFault): string =>
  `${path === '' ? 'The recipe' : path} is ${found}; allowed is ${allowed}.`;

const MOST_SAID = 3;

/** Throws `recipe-unreadable` with what is wrong. @param source where the plan is from, at the start of a sentence */
export function requireRecipe(value: unknown, source: string, missing: Missing): Recipe {
  const read = readRecipe(value, missing);
  if ('recipe' in read) return read.recipe;
  const said = read.faults.slice(0, MOST_SAID).map(sayFault).join(' ');
  const more = read.faults.length - MOST_SAID;
  throw new GroundworkError(
    'recipe-unreadable',
    `${source} is not a recipe that can be run. ${said}${more > 0 ? ` And ${more} more.` : ''}`,
    'Correct it there, or save the recipe again in the Recipe room.',
  );
}

/** As `requireRecipe`, of a plan as text. */
export function parseRecipe(text: string, source: string, missing: Missing): Recipe {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new GroundworkError(
      'recipe-unreadable',
      `${source} is not JSON; it may have been cut off.`,
      'It should be a recipe as the Recipe room saves it.',
    );
  }
  return requireRecipe(value, source, missing);
}
