/** Rows picked by index: embeddings, image features in their places, window permutations. */
import add_ from '../../shaders/gather/add.wgsl';
import embed_ from '../../shaders/gather/embed.wgsl';
import rows_ from '../../shaders/gather/rows.wgsl';
import { invariant } from '../base/error.ts';
import type { Recorder } from '../gpu/recorder.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { flatGroups } from './groups.ts';
import { partsOf, weightBindings, weightConstants, type Weight } from './matrix.ts';
import type { Tape } from './tape.ts';

export interface Features {
  /** [F, C] or wider: the first C columns are the embeddings, further ones are for `addFeatures`. */
  readonly features: Tensor;
  /** i32 [T]: the feature row in this place, or −1 for a text token. Rows are used at most once. */
  readonly index: Tensor;
}

/** tokens u32 [T], table [V, C] frozen → [T, C]. Gradients reach the features only. */
export function embed(tape: Tape, tokens: Tensor, table: Weight, images?: Features): Tensor {
  const { rec } = tape;
  const [rows, c4] = [tokens.size, table.columns / 4];
  const y = rec.empty('embeddings', [rows, table.columns]);
  for (const part of partsOf(table))
    rec.dispatch('gather/embed', embed_, {
      constants: { ...weightConstants(part), FEATURES: !!images },
      bind: { tokens, ...weightBindings(part), y, ...(images && { features: images.features, feature: images.index }) },
      params: {
        rows,
        c4,
        stride4: images ? images.features.columns / 4 : 0,
        first: part.first,
        count: part.rows,
      },
      groups: flatGroups(rows * c4),
    });
  // Features of several levels are always inputs, without a gradient (the vision tower is frozen).
  if (images && images.features.columns === table.columns) {
    tape.node([images.features], [y], () => {
      const dy = tape.grad(y);
      invariant(dy, 'embedding without a gradient');
      scatterRows(tape, dy, images.index, images.features);
    });
  }
  return y;
}

/**
 * x[t] += features[index[t], column …] in place (DeepStack, arXiv 2406.04334), −1 skipped. Something constant is added,
 * so gradients pass unchanged; nothing that was recorded before may need the old x in its backward pass.
 */
export function addFeatures(rec: Recorder, x: Tensor, { features, index }: Features, column: number): void {
  const [rows, c4] = [index.size, x.columns / 4];
  rec.dispatch('gather/add', add_, {
    bind: { features, index, x },
    params: { rows, c4, stride4: features.columns / 4, column4: column / 4 },
    groups: flatGroups(rows * c4),
  });
}

/** x [R, C], index i32 [T] → y [T, C]; −1 gives a row of zeros. For gradients the indices must be distinct. */
export function gatherRows(tape: Tape, x: Tensor, index: Tensor): Tensor {
  const { rec } = tape;
  const [rows, c4] = [index.size, x.columns / 4];
  const y = rec.empty('gathered', [rows, x.columns]);
  rec.dispatch('gather/rows', rows_, {
    constants: { SCATTER: false },
    bind: { x, index, y },
    params: { rows, c4, accumulate: 0 },
    groups: flatGroups(rows * c4),
  });
  tape.node([x], [y], () => {
    const dy = tape.grad(y);
    invariant(dy, 'gather without a gradient');
    scatterRows(tape, dy, index, x);
  });
  return y;
}

/** d x[index[t]] += dy[t] */
export function scatterRows(tape: Tape, dy: Tensor, index: Tensor, x: Tensor): void {
  const dx = tape.sink(x);
  if (!dx.accumulate) tape.rec.clear(dx.tensor);
  scatterInto(tape.rec, dy, index, dx.tensor, { accumulate: true });
}

/** y[index[t]] (+)= x[t]; distinct indices, negative ones skipped. Not differentiable. */
export function scatterInto(rec: Recorder, x: Tensor, index: Tensor, y: Tensor, { accumulate = false } = {}): void {
  const [rows, c4] = [index.size, x.columns / 4];
  rec.dispatch('gather/rows', rows_, {
    constants: { SCATTER: true },
    bind: { x, index, y },
    params: { rows, c4, accumulate: Number(accumulate) },
    groups: flatGroups(rows * c4),
  });
}
