/** A row's boxes in other numbers than fractions: those of its file, and those that the model writes. */
import type { Dataset } from '../../data/dataset.ts';
import type { Row } from '../../data/row.ts';
import type { Processor } from '../../models/processor.ts';
import type { BoxNumbers } from '../protocol/answers.ts';

/** @param processor of the model that is loaded; null: none is */
export async function boxNumbers(dataset: Dataset, row: Row, processor: Processor | null): Promise<BoxNumbers> {
  const file = await dataset.numbersInFile(row);
  if (!processor) return { file, model: null };
  const model: (readonly number[])[] = [];
  for (const { image, box } of row.solution) {
    const natural = await dataset.naturalSize(row.images[image]!);
    // A picture that cannot be measured is told of elsewhere.
    if (!natural) return { file, model: null };
    model.push(processor.convention.write(box, processor.modelSize(natural)));
  }
  return { file, model };
}
