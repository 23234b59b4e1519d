/** Matrices side by side. */
import columns_ from '../../shaders/gather/columns.wgsl';
import { invariant } from '../base/error.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { flatGroups } from './groups.ts';
import type { Tape } from './tape.ts';

/** parts [T, Cᵢ] → y [T, Σ Cᵢ]. Every Cᵢ is a multiple of 4; one part is given back as it is. */
export function concatColumns(tape: Tape, parts: readonly Tensor[]): Tensor {
  const [first] = parts;
  invariant(
    first && parts.every((p) => p.rows === first.rows && p.columns % 4 === 0),
    `columns of ${parts.map((p) => `[${p.shape}]`).join(', ')} cannot stand side by side`,
  );
  if (parts.length === 1) return first;
  const { rec } = tape;
  const width = parts.reduce((sum, p) => sum + p.columns, 0);
  const y = rec.empty('side by side', [first.rows, width]);
  const move = (x: Tensor, wide: Tensor, column: number, into: boolean, accumulate = false) =>
    rec.dispatch(into ? 'gather/columns' : 'gather/columns back', columns_, {
      constants: { INTO: into },
      bind: { x, y: wide },
      params: {
        rows: x.rows,
        c4: x.columns / 4,
        stride4: width / 4,
        column4: column / 4,
        accumulate: Number(accumulate),
      },
      groups: flatGroups(x.size / 4),
    });
  const columnOf = (i: number) => parts.slice(0, i).reduce((sum, p) => sum + p.columns, 0);
  parts.forEach((part, i) => move(part, y, columnOf(i), true));
  tape.node([...parts], [y], () => {
    const dy = tape.grad(y);
    invariant(dy, 'concatenation without a gradient');
    parts.forEach((part, i) => {
      if (!tape.tracks(part)) return;
      const dx = tape.sink(part);
      move(dx.tensor, dy, columnOf(i), false, dx.accumulate);
    });
  });
  return y;
}
