/** Elementwise sums that the tape needs for its own bookkeeping. */
import add from '../../shaders/add/into.wgsl';
import { invariant } from '../base/error.ts';
import type { Recorder } from '../gpu/recorder.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { flatGroups } from './groups.ts';

/** y += x. Sizes are equal. */
export function addInto(rec: Recorder, y: Tensor, x: Tensor): void {
  invariant(x.size === y.size, `add: [${x.shape}] onto [${y.shape}]`);
  rec.dispatch('add/into', add, { bind: { x, y }, params: { n: x.size }, groups: flatGroups(x.size) });
}
