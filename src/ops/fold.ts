/** Folds an adapter into a frozen weight. */
import fold_ from '../../shaders/merge/fold.wgsl';
import { invariant } from '../base/error.ts';
import type { Recorder } from '../gpu/recorder.ts';
import { flatGroups } from './groups.ts';
import type { Lora } from './linear.ts';
import { partsOf, weightConstants, type Weight } from './matrix.ts';

/** w [out, in] → y [out, in] = w + scaling · B·A, in y's format and parted as w is; sums in f32. */
export function fold(rec: Recorder, w: Weight, { a, b, scaling }: Lora, y: Weight): void {
  const [from, into] = [partsOf(w), partsOf(y)];
  invariant(
    w.columns % 4 === 0 && y.columns === w.columns && from.every(({ rows }, i) => rows === into[i]?.rows),
    `fold: [${w.shape}] into [${y.shape}]`,
  );
  const K4 = w.columns / 4;
  from.forEach((part, i) => {
    const { values } = into[i]!;
    rec.dispatch('merge/fold', fold_, {
      constants: { ...weightConstants(part), OUT_F16: values.dtype === 'f16' },
      bind: { w: part.values, a, b, y: values },
      params: { N: part.rows, K4, R: a.rows, scale: scaling, first: part.first },
      groups: flatGroups(part.rows * K4),
    });
  });
}
