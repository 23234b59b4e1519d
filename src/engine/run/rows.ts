/** The rows that a stage reads: the dataset's, as the stages before it have left them. */
import type { Dataset } from '../../data/dataset.ts';
import { placesWhere, subset, withWritten, type RowList } from '../../data/row-list.ts';
import type { Outcome } from '../../evaluate/outcome.ts';
import type { StageDescriptor } from '../../train/stages/descriptor.ts';
import type { Stage } from '../../train/stages/index.ts';

/** The training rows as the stages so far have left them: the dataset's, and what was written. */
export function trainingRows(dataset: Dataset, outcomes: readonly Outcome[]): RowList {
  const written = outcomes.flatMap(({ rows }) => rows ?? []);
  return withWritten(dataset.rows('train'), written);
}

/** The rows that a stage of some kind reads. */
export function rowsFor(
  reads: StageDescriptor<Stage>['reads'],
  train: RowList,
  heldout: RowList,
  outcomes: readonly Outcome[],
): RowList {
  if (reads === 'heldout') return heldout;
  if (reads !== 'kept') return train;
  const ids = outcomes.findLast(({ kept }) => kept !== undefined)?.kept;
  const kept = ids && new Set(ids);
  return subset(
    train,
    placesWhere(train, (i) => (kept ? kept.has(train.id(i)) : train.hasSolution(i))),
  );
}
