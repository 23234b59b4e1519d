/** Quantised weights in f32, for adapters that multiply those faster than they take codes apart. */
import expand_ from '../../shaders/quant/expand.wgsl';
import type { Recorder } from '../gpu/recorder.ts';
import { flatGroups } from './groups.ts';
import { weightBindings, weightConstants, type MatrixPart } from './matrix.ts';

/** What of a part is in f32 at a time, bytes. */
const BLOCK = 16 * 2 ** 20;

/** Records a part's rows in f32, block by block, for what is recorded before the next one is asked for. */
export function* expanded(rec: Recorder, part: MatrixPart, columns: number): Generator<MatrixPart> {
  const bytes = Math.min(BLOCK, rec.session.weightPartBytes);
  const most = Math.max(4, Math.floor(bytes / (16 * columns)) * 4);
  const wordsARow = part.values.columns;
  for (let start = 0; start < part.rows; start += most) {
    const rows = Math.min(most, part.rows - start);
    const values = rec.empty('weights in f32', [rows, columns]);
    rec.dispatch('quant/expand', expand_, {
      constants: weightConstants(part),
      bind: { ...weightBindings(part), y: values },
      params: { words: rows * wordsARow, first: start * wordsARow },
      groups: flatGroups(rows * wordsARow),
    });
    yield { first: part.first + start, rows, format: 'f32', group: 0, values };
  }
}
