/**
 * Typed reading of a checkpoint's JSON files, with messages that name the file and the field. What was asked for is
 * remembered, so that keys nobody asks for can be told (config-keys.ts).
 */
import { count } from '../base/counts.ts';
import { GroundworkError } from '../base/error.ts';
import { isObject } from '../base/json.ts';

export type Json = Readonly<Record<string, unknown>>;

const object = (value: unknown): Json => (isObject(value) ? value : {});

/** Where a field may stand, e.g. under `text_config` and at the root. */
interface Place {
  readonly json: Json;
  readonly path: string;
}

/** Layers of a tower: more is a damaged file, and would be minutes of making lists. */
const MOST_LAYERS = 1024;
/** Widths, vocabularies, counts of positions. */
const LARGEST_SIZE = 2 ** 24;

export class Fields {
  readonly #file: string;
  readonly #places: readonly Place[];
  readonly #asked: Set<string>;

  constructor(
    json: unknown,
    file = 'config.json',
    places: readonly Place[] = [{ json: object(json), path: '' }],
    asked = new Set<string>(),
  ) {
    this.#file = file;
    this.#places = places;
    this.#asked = asked;
  }

  /** Its name, for messages. */
  get file(): string {
    return this.#file;
  }

  /** Whether anything stands at this path. */
  holds(path: readonly string[]): boolean {
    return this.#places.some(({ json }) => {
      let value: unknown = json;
      for (const key of path) value = object(value)[key];
      return value !== null && value !== undefined;
    });
  }

  /** Whether a reader asked for this path. */
  asks(path: readonly string[]): boolean {
    return this.#places.some((place) => this.#asked.has(place.path + path.join('.')));
  }

  /** Paths of all that was asked for, here and in what came of `at` and `over`. */
  get asked(): ReadonlySet<string> {
    return this.#asked;
  }

  /** An object inside; empty where there is none. */
  at(key: string): Fields {
    this.#ask(key);
    return this.#with(this.#places.map(({ json, path }) => ({ json: object(json[key]), path: `${path}${key}.` })));
  }

  /** These fields and others. A field that both have, and that differs, is refused when it is read. */
  over(other: Fields): Fields {
    return this.#with([...this.#places, ...other.#places]);
  }

  has(key: string): boolean {
    return this.raw(key) !== null && this.raw(key) !== undefined;
  }

  /** As it stands; undefined or null where nothing does. @throws GroundworkError `config-invalid` where it stands twice, differently */
  raw(key: string): unknown {
    this.#ask(key);
    const said = this.#said(key);
    const other = said.find(({ json }) => canonical(json[key]) !== canonical(said[0]!.json[key]));
    if (other)
      throw new GroundworkError(
        'config-invalid',
        `${this.#file}: ${said[0]!.path}${key} is ${shown(said[0]!.json[key])}, but ${other.path}${key} is ${shown(other.json[key])}.`,
        'Libraries take one or the other: correct the file so that both say the same, or remove the wrong one.',
      );
    return said[0]?.json[key];
  }

  /** Everything that is said of a field, where it stands more than once. */
  every(key: string): readonly unknown[] {
    this.#ask(key);
    return this.#said(key).map(({ json }) => json[key]);
  }

  /** A positive number. Without a fallback it must be there. @throws GroundworkError `config-invalid` */
  number(key: string, fallback?: number): number {
    const value = this.raw(key) ?? fallback;
    if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0)
      throw this.invalid(key, 'a positive number');
    return value;
  }

  /** A width or a count: a whole number, a multiple of `step` where the kernels need one. @throws GroundworkError `config-invalid` */
  size(key: string, fallback?: number, step = 1): number {
    const value = this.#whole(key, fallback, LARGEST_SIZE);
    if (value % step !== 0)
      throw this.invalid(key, `a multiple of ${step}: Groundwork computes no other width`, UNCOMPUTED);
    return value;
  }

  /** How many layers a tower has. @throws GroundworkError `config-invalid` */
  layers(key: string, fallback?: number): number {
    return this.#whole(key, fallback, MOST_LAYERS);
  }

  /** A whole number from 0. @throws GroundworkError `config-invalid` */
  tokenId(key: string, fallback: number): number {
    const value = this.raw(key) ?? fallback;
    if (!Number.isInteger(value) || (value as number) < 0) throw this.invalid(key, 'a token id');
    return value as number;
  }

  /** A list of numbers. @throws GroundworkError `config-invalid` */
  numbers(key: string, fallback?: readonly number[]): readonly number[] {
    const value = this.raw(key) ?? fallback;
    if (!Array.isArray(value) || !value.every((v) => Number.isFinite(v))) throw this.invalid(key, 'a list of numbers');
    return value as number[];
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.raw(key) ?? fallback;
    if (typeof value !== 'boolean') throw this.invalid(key, 'true or false');
    return value;
  }

  /** Checks that a field has a value that is computed here, or is absent. */
  only<T extends string | number | boolean>(key: string, ...supported: readonly T[]): T {
    const value = (this.raw(key) ?? supported[0]) as T;
    if (!supported.includes(value))
      throw this.invalid(key, `${supported.join(' or ')}, all that is computed here`, UNCOMPUTED);
    return value;
  }

  invalid(
    key: string,
    expected: string,
    hint = `Download ${this.#file} again, from the same revision as the weights.`,
  ): GroundworkError {
    const place = this.#said(key)[0];
    const { path } = place ?? this.#places[0]!;
    return new GroundworkError(
      'config-invalid',
      `${this.#file}: ${path}${key} is ${place ? shown(place.json[key]) : 'missing'} and should be ${expected}.`,
      hint,
    );
  }

  #whole(key: string, fallback: number | undefined, most: number): number {
    const value = this.raw(key) ?? fallback;
    if (!Number.isInteger(value) || (value as number) <= 0) throw this.invalid(key, 'a whole number from 1');
    if ((value as number) > most) throw this.invalid(key, `no more than ${count(most)}`);
    return value as number;
  }

  #ask(key: string): void {
    for (const { path } of this.#places) this.#asked.add(path + key);
  }

  #said(key: string): readonly Place[] {
    return this.#places.filter(({ json }) => Object.hasOwn(json, key) && json[key] !== null && json[key] !== undefined);
  }

  #with(places: readonly Place[]): Fields {
    return new Fields({}, this.#file, places, this.#asked);
  }
}

/** For what is well-formed, and not computed here. */
const UNCOMPUTED = 'Groundwork would give other answers than this model gives elsewhere, so it does not load it.';

const shown = (value: unknown): string => {
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
};

/** Equal for values that are equal, whatever the order of their keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, v: unknown) =>
    typeof v === 'object' && v !== null && !Array.isArray(v)
      ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)))
      : v,
  );
}
