/** What a campaign of kills is, wherever it runs, and what came of it. */
import type { Kill } from './kills.ts';

/** What came of one kill. */
export interface KillResult extends Pick<Kill<string>, 'number' | 'way' | 'moment'> {
  /** Stage under way; absent where only the files tell. */
  readonly stage: string;
  /** false: the run had ended before. */
  readonly fired: boolean;
}

export interface RunResult {
  readonly seed: number;
  readonly run: number;
  readonly kills: readonly KillResult[];
  /** Nothing: the run is equal to the one that was left alone, bit for bit. */
  readonly faults: readonly string[];
}

/** A run to compare with, and runs that are killed. */
export interface Tortured {
  /** What was told by the run that was left alone. */
  readonly told: readonly unknown[];
  run(seed: number, run: number): Promise<RunResult>;
  close(): Promise<void>;
}

/** What is not the same, in words. */
export function differences<Outcome extends object>(a: Outcome, b: Outcome): string[] {
  return (Object.keys(a) as (keyof Outcome & string)[])
    .filter((key) => JSON.stringify(a[key]) !== JSON.stringify(b[key]))
    .map((key) => `${key} is not the same`);
}
