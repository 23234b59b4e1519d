/** One input of a reader by its seed and number, and what it did that no input may do. */
import { GroundworkError } from '../../src/base/error.ts';
import { Random } from '../../src/base/random.ts';
import { mutate } from './mutate.ts';
import type { Bytes, Reader } from './readers.ts';

export type Readers = Readonly<Record<string, Reader>>;

export interface Finding {
  readonly reader: string;
  readonly seed: number;
  readonly input: number;
  readonly what: string;
}

/** Processor time that 100 KB of input, or less, may take. */
const MOST_MS = 1000;
const MOST_MEMORY = 512 * 2 ** 20;

const peakMemory = (): number => process.resourceUsage().maxRSS * 1024;

const seedsOf = new Map<string, ReturnType<Reader['seeds']>>();

export function inputOf(name: string, seed: number, input: number, readers: Readers): Bytes {
  const reader = readers[name]!;
  let seeds = seedsOf.get(name);
  if (!seeds) seedsOf.set(name, (seeds = reader.seeds()));
  const random = new Random(seed * 2 ** 32 + input);
  const bytes = mutate(random, seeds[random.below(seeds.length)]!, reader.words ?? []);
  return reader.wrap ? reader.wrap(bytes) : bytes;
}

/** Null: it was read, or refused with a GroundworkError, in time and in little memory. */
export async function tryInput(name: string, seed: number, input: number, readers: Readers): Promise<Finding | null> {
  const bytes = inputOf(name, seed, input, readers);
  const before = process.memoryUsage().rss;
  const peakBefore = peakMemory();
  const start = process.cpuUsage();
  let what: string | null = null;
  try {
    await readers[name]!.read(bytes);
  } catch (error) {
    if (!(error instanceof GroundworkError))
      what = error instanceof Error ? (error.stack ?? error.message).split('\n').slice(0, 3).join(' ') : String(error);
    else if (error.code === 'internal') what = `a defect of our own: ${error.message}`;
  }
  const { user, system } = process.cpuUsage(start);
  // A peak is the process's: only one that this input has raised is its own.
  const peak = peakMemory();
  const grown = peak > peakBefore ? peak - before : 0;
  if (grown > MOST_MEMORY) what ??= `${Math.round(grown / 2 ** 20)} MB for ${bytes.length} bytes`;
  const spent = (user + system) / 1000;
  if (spent > MOST_MS * Math.max(1, bytes.length / 100_000))
    what ??= `${Math.round(spent)} ms of processor time for ${bytes.length} bytes`;
  return what === null ? null : { reader: name, seed, input, what };
}
