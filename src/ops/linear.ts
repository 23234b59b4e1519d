/**
 * A linear layer with an optional low-rank adapter (LoRA, arXiv 2106.09685), the one trainable thing in the house:
 *
 *     z = x·Aᵀ            y = x·Wᵀ + bias + s·z·Bᵀ + residual
 *     u = s·dy·B          dx = dy·W + u·A      dB += s·dyᵀ·z      dA += uᵀ·x
 *
 * W is frozen, in any format of ops/matrix.ts. Gradients of A and B accumulate over micro-batches until the optimizer clears them.
 */
import { invariant } from '../base/error.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { dropout, type Dropout } from './dropout.ts';
import { matmulNn, matmulNt, matmulTn } from './matmul.ts';
import type { Weight } from './matrix.ts';
import type { Tape } from './tape.ts';

/** Adapter of one linear. a [r, in], b [out, r]; gradients have the same shapes. r is a multiple of 4. */
export interface Lora {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly gradA: Tensor;
  readonly gradB: Tensor;
  readonly scaling: number;
  /** On the adapter's input only; off in RL, where completions share their prompt. */
  readonly dropout?: Dropout | undefined;
}

export interface LinearWeights {
  /** w [out, in] */
  readonly weight: Weight;
  /** [out] */
  readonly bias?: Tensor;
  /** A low-rank term that is part of the weights: W + b·a, a [r, in], b [out, r], r a multiple of 4. */
  readonly frozen?: { readonly a: Tensor; readonly b: Tensor };
}

export interface LinearOptions {
  readonly lora?: Lora | undefined;
  /** Added to the output, [T, out]. */
  readonly residual?: Tensor;
  readonly label?: string;
}

/** x [T, in] → y [T, out] */
export function linear(
  tape: Tape,
  x: Tensor,
  { weight, bias, frozen }: LinearWeights,
  { lora, residual, label = 'linear' }: LinearOptions = {},
): Tensor {
  const { rec } = tape;
  const rows = x.rows;
  const y = rec.empty(label, [rows, weight.rows]);
  const dropped = lora?.dropout ? dropout(tape, x, lora.dropout) : x;
  let z: Tensor | undefined;
  if (lora) {
    z = rec.empty(`${label} z`, [rows, lora.a.rows]);
    matmulNt(rec, dropped, lora.a, z);
  }
  let before = residual;
  if (frozen) {
    const zf = rec.empty(`${label} frozen z`, [rows, frozen.a.rows]);
    matmulNt(rec, x, frozen.a, zf);
    before = rec.empty(`${label} frozen`, y.shape);
    matmulNt(rec, zf, frozen.b, before, { ...(residual && { residual }) });
  }
  matmulNt(rec, x, weight, y, {
    ...(bias && { bias }),
    ...(lora && z && { lora: { z, b: lora.b, scale: lora.scaling } }),
    ...(before && { residual: before }),
  });
  tape.node(
    residual ? [x, residual] : [x],
    [y],
    () => {
      const dy = tape.grad(y);
      invariant(dy, 'linear without a gradient');
      let u: Tensor | undefined;
      if (lora && z) {
        u = rec.empty(`${label} u`, [rows, lora.a.rows]);
        matmulNn(rec, dy, lora.b, u, { scale: lora.scaling });
        matmulTn(rec, dy, z, lora.gradB, { scale: lora.scaling, accumulate: true });
        matmulTn(rec, u, dropped, lora.gradA, { accumulate: true });
      }
      if (tape.tracks(x)) {
        const dx = tape.sink(x);
        // With dropout the adapter's share of dx goes through the dropped input instead.
        const share = lora && u ? { u, a: lora.a } : null;
        matmulNn(rec, dy, weight, dx.tensor, {
          accumulate: dx.accumulate,
          ...(share && dropped === x && { lora: share }),
        });
        if (frozen) {
          const uf = rec.empty(`${label} frozen u`, [rows, frozen.a.rows]);
          matmulNn(rec, dy, frozen.b, uf);
          matmulNn(rec, uf, frozen.a, dx.tensor, { accumulate: true });
        }
        if (lora && u && dropped !== x) matmulNn(rec, u, lora.a, tape.sink(dropped).tensor);
      }
      if (residual && tape.tracks(residual)) tape.addGrad(residual, dy);
    },
    lora !== undefined,
  );
  return y;
}
