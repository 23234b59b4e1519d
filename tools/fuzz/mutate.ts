/** Seeded mutations: of bytes, of text by a dictionary, and of JSON by its structure. The same seed, the same input. */
import type { Random } from '../../src/base/random.ts';

/** Numbers at which readers go wrong: ends of ranges of signed, unsigned, 32-bit, 64-bit and exact integers. */
const EDGES = [0, 1, -1, 127, 128, 255, 256, 32767, 65535, 65536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 53, 2e9];

const pick = <T>(random: Random, items: readonly T[]): T => items[random.below(items.length)]!;

/** Values that a field rarely has, each of which has broken a reader somewhere. */
const odd = (random: Random): unknown =>
  pick<() => unknown>(random, [
    () => null,
    () => true,
    () => pick(random, EDGES),
    () => pick(random, [0.5, -0.5, 1e308, 1e-308, -1e21, 999, 1000.5]),
    () => '',
    () =>
      pick(random, ['\ud800', '\udc00x', '\0', '__proto__', 'constructor', '../../x', '\u202e', 'é'.normalize('NFD')]),
    () => 'x'.repeat(1 << random.below(14)),
    () => [],
    () => ({}),
    () => ({ toString: 1, valueOf: 1 }),
    () => JSON.parse('{"__proto__": {"length": 1}}') as unknown,
    () => nested(random.below(200)),
    () => Array.from({ length: random.below(300) }, () => random.below(1001)),
  ])();

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = i % 2 ? [value] : { a: value };
  return value;
}

type Slot = { readonly holder: Record<string, unknown> | unknown[]; readonly key: string | number };

function slots(value: unknown, found: Slot[] = []): Slot[] {
  if (typeof value !== 'object' || value === null || found.length > 5000) return found;
  const keys = Array.isArray(value) ? value.keys() : Object.keys(value);
  for (const key of keys) {
    found.push({ holder: value as Slot['holder'], key });
    slots((value as Record<string | number, unknown>)[key], found);
  }
  return found;
}

/** One to four values, keys or members of a JSON value changed. */
export function mutateJson(random: Random, given: unknown): unknown {
  let root = structuredClone(given);
  for (let left = 1 + random.below(4); left > 0; left--) {
    const all = slots(root);
    if (all.length === 0 || random.below(50) === 0) {
      root = odd(random);
      continue;
    }
    const { holder, key } = pick(random, all);
    const at = holder as Record<string | number, unknown>;
    const change = random.below(6);
    if (change === 0 && !Array.isArray(holder)) delete at[key];
    else if (change === 0 && Array.isArray(holder)) holder.splice(key as number, 1);
    else if (change === 1) {
      const other = pick(random, all);
      at[key] = structuredClone((other.holder as Record<string | number, unknown>)[other.key]);
    } else if (change === 2) at[key] = [at[key], at[key]];
    else if (change === 3 && !Array.isArray(holder)) {
      at[pick(random, ['toString', 'length', 'constructor', '', 'id', 'type', 'size'])] = at[key];
      if (random.below(2)) delete at[key];
    } else if (change === 4 && typeof at[key] === 'string') at[key] = mutateText(random, at[key], []);
    else if (change === 4 && typeof at[key] === 'number')
      at[key] = pick(random, [-at[key], at[key] * 1000, at[key] + 0.5, pick(random, EDGES)]);
    else at[key] = odd(random);
  }
  return root;
}

const BREAKERS = [
  '[',
  ']',
  '{',
  '}',
  '(',
  ')',
  '<',
  '>',
  '"',
  "'",
  '\\',
  ',',
  ':',
  '\n',
  '\r',
  '\t',
  '\0',
  ';',
  '&',
  '|',
];

/** Pieces cut, doubled, moved, and words of the reader's language put in. */
export function mutateText(random: Random, given: string, words: readonly string[]): string {
  let text = given;
  for (let left = 1 + random.below(5); left > 0; left--) {
    const at = random.below(text.length + 1);
    const length = random.below(Math.min(64, text.length - at) + 1);
    const [before, piece, after] = [text.slice(0, at), text.slice(at, at + length), text.slice(at + length)];
    const word = random.below(2) && words.length ? pick(random, words) : pick(random, BREAKERS);
    const change = random.below(8);
    if (change === 0) text = before + after;
    else if (change === 1) text = before + piece + piece + after;
    else if (change === 2) text = before + word + piece + after;
    else if (change === 3) text = before + word + after;
    else if (change === 4) text = before + word.repeat(1 + random.below(1 << random.below(13))) + piece + after;
    else if (change === 5) text = before + String(pick(random, EDGES)) + after;
    else if (change === 6)
      text = before + pick(random, ['\ud800', '\ufffe', '０', '、', '\u202e', '\u0000']) + piece + after;
    else text = text.slice(0, at) + text.slice(0, at);
  }
  return text.length > MOST ? text.slice(0, MOST) : text;
}

/** Bytes of the longest input: what is quadratic shows itself here, and half a million inputs are still made. */
const MOST = 64 * 1024;

/** Bits, bytes, edge numbers of every width, and pieces cut, doubled or overwritten. */
export function mutateBytes(random: Random, given: Uint8Array): Uint8Array<ArrayBuffer> {
  let bytes = new Uint8Array(given);
  for (let left = 1 + random.below(6); left > 0; left--) {
    if (bytes.length === 0) return Uint8Array.from([random.below(256)]);
    // The first bytes say what follows: they are changed more often than their number.
    const at = random.below(random.below(2) ? bytes.length : Math.min(bytes.length, 128));
    const length = 1 + random.below(Math.min(64, bytes.length - at));
    const view = new DataView(bytes.buffer);
    const [edge, little] = [pick(random, EDGES), random.below(2) === 1];
    const change = random.below(9);
    if (change === 0) bytes[at]! ^= 1 << random.below(8);
    else if (change === 1) bytes[at] = random.below(256);
    else if (change === 2 && at + 2 <= bytes.length) view.setUint16(at, edge, little);
    else if (change === 3 && at + 4 <= bytes.length) view.setUint32(at, edge, little);
    else if (change === 4 && at + 8 <= bytes.length) view.setBigInt64(at, BigInt(edge), little);
    else if (change === 5) bytes = joined(bytes.subarray(0, at), bytes.subarray(at + length));
    else if (change === 6) bytes = joined(bytes.subarray(0, at + length), bytes.subarray(at));
    else if (change === 7 && random.below(4) === 0) bytes = bytes.slice(0, at);
    else bytes.copyWithin(at, random.below(bytes.length), bytes.length - random.below(64));
  }
  return bytes.length > MOST ? bytes.slice(0, MOST) : bytes;
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

const utf8 = new TextEncoder();

/** One input of a seed: by its structure if it is JSON, else as text or as bytes. */
export function mutate(random: Random, seed: Uint8Array | string, words: readonly string[]): Uint8Array<ArrayBuffer> {
  if (typeof seed !== 'string') return mutateBytes(random, seed);
  const way = random.below(8);
  if (way === 0) return mutateBytes(random, utf8.encode(seed));
  const json = way < 6 ? parsed(seed) : undefined;
  if (json === undefined) return utf8.encode(mutateText(random, seed, words));
  const text = JSON.stringify(mutateJson(random, json)) ?? '';
  return utf8.encode(text.length > 4 * MOST ? text.slice(0, 4 * MOST) : text);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
