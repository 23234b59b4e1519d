/** Folds an adapter into a frozen weight. */
import fold_ from '../../shaders/merge/fold.wgsl';
import { invariant } from '../base/error.ts';
import type { Recorder } from '../gpu/recorder.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { flatGroups } from './groups.ts';
import type { Lora } from './linear.ts';

/** w [out, in] → y [out, in] = w + scaling · B·A, in y's dtype; sums in f32. */
export function fold(rec: Recorder, w: Tensor, { a, b, scaling }: Lora, y: Tensor): void {
  invariant(w.columns % 4 === 0 && y.size === w.size, `fold: [${w.shape}] into [${y.shape}]`);
  const [N, K4] = [w.rows, w.columns / 4];
  rec.dispatch('merge/fold', fold_, {
    constants: { WEIGHT_F16: w.dtype === 'f16', OUT_F16: y.dtype === 'f16' },
    bind: { w, a, b, y },
    params: { N, K4, R: a.rows, scale: scaling },
    groups: flatGroups(N * K4),
  });
}
