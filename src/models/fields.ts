/** Typed reading of a checkpoint's JSON files, with messages that name the file and the field. */
import { GroundworkError } from '../base/error.ts';

export type Json = Readonly<Record<string, unknown>>;

const object = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};

export class Fields {
  readonly #file: string;
  readonly #path: string;
  readonly #json: Json;

  constructor(json: unknown, file = 'config.json', path = '') {
    this.#file = file;
    this.#path = path;
    this.#json = object(json);
  }

  /** An object inside; empty where there is none. */
  at(key: string): Fields {
    return new Fields(this.#json[key], this.#file, `${this.#path}${key}.`);
  }

  /** These fields over others: what both have is taken from here. */
  over(other: Fields): Fields {
    const merged = { ...other.#json };
    for (const [key, value] of Object.entries(this.#json)) if (value !== null) merged[key] = value;
    return new Fields(merged, this.#file, this.#path);
  }

  has(key: string): boolean {
    return this.#json[key] !== undefined && this.#json[key] !== null;
  }

  raw(key: string): unknown {
    return this.#json[key];
  }

  /** A positive number. Without a fallback it must be there. @throws GroundworkError `config-invalid` */
  number(key: string, fallback?: number): number {
    const value = this.#json[key] ?? fallback;
    if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0)
      throw this.invalid(key, 'a positive number');
    return value;
  }

  /** A whole number from 0. @throws GroundworkError `config-invalid` */
  tokenId(key: string, fallback: number): number {
    const value = this.#json[key] ?? fallback;
    if (!Number.isInteger(value) || (value as number) < 0) throw this.invalid(key, 'a token id');
    return value as number;
  }

  /** A list of whole numbers from 0. @throws GroundworkError `config-invalid` */
  numbers(key: string, fallback?: readonly number[]): readonly number[] {
    const value = this.#json[key] ?? fallback;
    if (!Array.isArray(value) || !value.every((v) => Number.isFinite(v))) throw this.invalid(key, 'a list of numbers');
    return value as number[];
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.#json[key] ?? fallback;
    if (typeof value !== 'boolean') throw this.invalid(key, 'true or false');
    return value;
  }

  /** Checks that a field has the one value that is supported, or is absent. */
  only<T extends string | number | boolean>(key: string, ...supported: readonly T[]): T {
    const value = (this.#json[key] ?? supported[0]) as T;
    if (!supported.includes(value)) throw this.invalid(key, supported.join(' or '));
    return value;
  }

  invalid(key: string, expected: string): GroundworkError {
    const value = this.#json[key];
    return new GroundworkError(
      'config-invalid',
      `${this.#file}: ${this.#path}${key} is ${value === undefined ? 'missing' : JSON.stringify(value)} and should be ${expected}.`,
      `Take ${this.#file} from the model’s page again, from the same revision as the weights.`,
    );
  }
}
