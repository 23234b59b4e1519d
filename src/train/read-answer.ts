/** An answer as training reads it: its boxes wherever they are, its form judged strictly, and the boxes of its thought. */
import type { Size } from '../grounding/box.ts';
import type { BoxConvention } from '../grounding/convention.ts';
import { parseAnswer, type ParsedAnswer } from '../grounding/parse.ts';
import type { RowForm } from './prompt.ts';

/** An answer, and what its thought names. */
export interface ReadAnswer extends ParsedAnswer {
  /** Boxes in the thought, in reading order. */
  readonly thoughtBoxes: ParsedAnswer['boxes'];
}

/**
 * Boxes are read wherever they are; the form is judged strictly, as it was asked for. `sizes`: the pictures as the model
 * sees them.
 */
export function readAnswer(
  text: string,
  convention: BoxConvention,
  sizes: readonly Size[],
  form: RowForm = 'as-written',
): ReadAnswer {
  const anyForm = { convention, sizes, mode: 'tolerant', thinking: 'optional' } as const;
  const tolerant = parseAnswer(text, anyForm);
  const strict = parseAnswer(text, { convention, sizes, thinking: form === 'answer' ? 'absent' : 'required' });
  const thoughtBoxes = tolerant.think === null ? [] : parseAnswer(tolerant.think, anyForm).boxes;
  return { ...tolerant, formatOk: strict.formatOk, tagsOk: strict.tagsOk, thoughtBoxes };
}
