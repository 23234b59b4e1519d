/**
 * What a setting may be, as data: type, bounds, choices, and its namesake in TRL or PEFT. A stage's schema names every
 * setting of its interface by path (`lora.r`); one that is left out does not compile.
 */
import type { Settings } from '../setting.ts';

export type Origin = 'TRL' | 'PEFT' | 'Groundwork';

interface Namesake {
  /** Where the setting of the same meaning is from. `Groundwork`: it has none. */
  readonly origin: Origin;
  /** Its name there, if it is not the path's last part in snake_case. */
  readonly name?: string;
  /** What it is there when nobody sets it. Absent: it has no default there. */
  readonly theirs?: unknown;
  /** May be absent from a stage. */
  readonly optional?: true;
  /** What an absent one means, if not its default. */
  readonly absent?: unknown;
  /** Came after plans were first saved as files: where it is missing, it has its default. */
  readonly later?: true;
}

export type NumberSpec = Namesake & {
  readonly type: 'number';
  readonly min: number;
  readonly max: number;
  readonly integer: boolean;
};
export type FlagSpec = Namesake & { readonly type: 'flag' };
export type ChoiceSpec<C extends string = string> = Namesake & {
  readonly type: 'choice';
  readonly choices: readonly C[];
};
/** Modules: a list of name endings, or one expression. */
export type ModulesSpec = Namesake & { readonly type: 'modules' };
/** Words, at most so many characters. */
export type TextSpec = Namesake & { readonly type: 'text'; readonly most: number };
export type Spec = NumberSpec | FlagSpec | ChoiceSpec | ModulesSpec | TextSpec;

type Leaf = string | number | boolean | readonly string[];

/** Paths of an object's settings, those that may be absent included. */
export type SettingPath<T> = {
  [K in keyof T & string]-?: NonNullable<T[K]> extends Leaf ? K : `${K}.${SettingPath<NonNullable<T[K]>>}`;
}[keyof T & string];

/** Paths of the settings that are always there. */
export type RequiredPath<T> = {
  [K in keyof T & string]-?: undefined extends T[K] ? never : T[K] extends Leaf ? K : `${K}.${RequiredPath<T[K]>}`;
}[keyof T & string];

type ValueAt<T, P extends string> = P extends `${infer K}.${infer Rest}`
  ? K extends keyof T
    ? ValueAt<NonNullable<T[K]>, Rest>
    : never
  : P extends keyof T
    ? NonNullable<T[P]>
    : never;

type SpecOf<V> = [V] extends [number]
  ? NumberSpec
  : [V] extends [boolean]
    ? FlagSpec
    : [V] extends [string]
      ? string extends V
        ? TextSpec
        : ChoiceSpec<V>
      : ModulesSpec;

/** A spec for every setting. */
export type Schema<T> = { readonly [P in SettingPath<T>]: SpecOf<ValueAt<T, P>> };

type Options = Partial<Namesake>;

/** A whole number. Options: its namesake, TRL's if not said otherwise. */
export const whole = (min: number, max: number, options: Options = {}): NumberSpec => ({
  origin: 'TRL',
  ...options,
  type: 'number',
  min,
  max,
  integer: true,
});
export const real = (min: number, max: number, options: Options = {}): NumberSpec => ({
  origin: 'TRL',
  ...options,
  type: 'number',
  min,
  max,
  integer: false,
});
export const flag = (options: Options = {}): FlagSpec => ({ origin: 'TRL', ...options, type: 'flag' });
export const choice = <C extends string>(choices: readonly C[], options: Options = {}): ChoiceSpec<C> => ({
  origin: 'TRL',
  ...options,
  type: 'choice',
  choices,
});
export const text = (most: number, options: Options = {}): TextSpec => ({
  origin: 'TRL',
  ...options,
  type: 'text',
  most,
});
export const modules = (options: Options = {}): ModulesSpec => ({ origin: 'PEFT', ...options, type: 'modules' });

/** For settings without a namesake. */
export const own = { origin: 'Groundwork' } as const;

/** A setting's name at its origin. */
export const nameOf = (path: string, { name }: Pick<Namesake, 'name'>): string =>
  name ??
  path
    .split('.')
    .at(-1)!
    .replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);

/** The specs of what a reward or a loss can be set by. */
export const ownSettings = (path: string, settings: Settings = {}): [path: string, spec: NumberSpec][] =>
  Object.entries(settings).map(([key, { integer, min, max, trl, default: theirs }]) => [
    `${path}.${key}`,
    (integer ? whole : real)(min, max, {
      ...(trl === undefined ? own : { name: trl, theirs }),
      optional: true,
      later: true,
    }),
  ]);

/** The value at a path like `lora.r`. */
export function getAt(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], value);
}

/** A copy with the value at `path` replaced; the objects on the way are made. */
export function setAt<T>(value: T, path: string, next: unknown): T {
  const [head, ...rest] = path.split('.') as [string, ...string[]];
  const inner =
    rest.length > 0 ? setAt((value as Record<string, unknown> | undefined)?.[head], rest.join('.'), next) : next;
  return { ...value, [head]: inner };
}
