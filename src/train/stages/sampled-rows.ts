/** Stages that sample completions of training rows, batch by batch: which rows, how many units, what memory. */
import { Random } from '../../base/random.ts';
import { placesWhere, subset, type RowList } from '../../data/row-list.ts';
import type { StageBase, StageDescriptor } from './descriptor.ts';
import type { SamplingSettings } from './settings.ts';

/** Training rows with a solution, at most `limit` (0: all) of them, in a drawn order. */
export function rowsToTry(train: RowList, limit: number, seed: number): RowList {
  const candidates = placesWhere(train, (i) => train.hasSolution(i));
  return subset(train, new Random(seed).shuffle(candidates).slice(0, limit || undefined));
}

/** What such a stage is set by. */
interface SampledRows extends StageBase {
  readonly limit: number;
  readonly batchSize: number;
  readonly numGenerations: number;
  readonly sampling: SamplingSettings;
}

/** The part of their descriptors that is the same. */
export const SAMPLED_ROWS = {
  reads: 'train',
  rowsAtOnce: (stage) => stage.batchSize,
  rowsAPass: (stage) => stage.batchSize,
  rows: ({ limit }, { train }, seed) => rowsToTry(train, limit, seed),
  units: ({ limit, batchSize }, { train }, seed) => ({
    count: Math.ceil(rowsToTry(train, limit, seed).length / batchSize),
    unit: 'batch',
  }),
  brief: <S extends SampledRows>(stage: S, units: number, rows = Infinity): S => {
    const batchSize = Math.min(stage.batchSize, Math.max(1, rows));
    return { ...stage, batchSize, limit: units * batchSize };
  },
  plan: ({ batchSize, numGenerations, sampling: { maxCompletionLength } }, planner) =>
    planner.generate(batchSize, numGenerations, maxCompletionLength),
} as const satisfies Omit<Partial<StageDescriptor<SampledRows>>, 'brief'> & { brief: unknown };
