/** What a long run is measured by, wherever it runs, and the smallest model that it trains. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeSynthetic } from '../../src/cli/synthetic-folder.ts';
import type { Recipe } from '../../src/train/recipe.ts';

export interface Soaked {
  /** Optimizer steps. */
  readonly done: number;
  readonly minutes: number;
  /** What was held, measurement by measurement. */
  readonly measured: readonly Readonly<Record<string, number>>[];
  readonly failures: readonly string[];
  /** Of the stored log; null: it is not a file. */
  readonly logBytes: number | null;
}

/** @param every steps from one measurement to the next */
export type Soak = (recipe: Recipe, every: number) => Promise<Soaked>;

/** How often the long run is saved, and what is kept. */
export const KEEP = { everySteps: 50, keepLast: 2 } as const;

/** Writes the smallest model there is, with random weights. */
export async function writeSmallest(folder: string): Promise<void> {
  const checkpoint = fileURLToPath(new URL('../../tests/golden/qwen2_vl/one-image/checkpoint', import.meta.url));
  const config = JSON.parse(await readFile(join(checkpoint, 'config.json'), 'utf8')) as Record<string, unknown>;
  await writeSynthetic({ id: 'smallest', parameters: 0, config }, folder, {
    seed: 3,
    textFrom: checkpoint,
    maxShardBytes: 2 ** 24,
  });
}
