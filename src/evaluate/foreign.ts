/** An answer of a model that is not here, read in the space that its owner names. */
import type { Size } from '../grounding/box.ts';
import { CONVENTIONS } from '../grounding/convention.ts';
import { parseAnswer, splitTags } from '../grounding/parse.ts';
import { refuses } from '../grounding/absence.ts';
import type { Prediction } from './prediction.ts';

/** Thousandths, or pixels of the picture files; fractions are known by their decimals under either. */
export type ForeignSpace = 'thousandths' | 'pixels';

/** Without a space no box is read: what its numbers are would be a guess. */
export function readForeign(row: string, text: string, sizes: readonly Size[], space?: ForeignSpace): Prediction {
  if (space === undefined) {
    const { answer } = splitTags(text);
    return { row, text, boxes: null, parsed: false, refused: refuses(answer), sizes };
  }
  // Those families write plain numbers of either kind; the sizes are the files' own, for nothing was resized here.
  const convention = CONVENTIONS[space === 'thousandths' ? 'qwen2_vl' : 'qwen2_5_vl'];
  const { boxes, parsed, answer } = parseAnswer(text, { convention, sizes, mode: 'tolerant', thinking: 'optional' });
  return { row, text, boxes, parsed, refused: !parsed && refuses(answer), sizes };
}
