/**
 * A linear layer's weights with adapters folded in, beside the base's. In f32 and f16 they are W + s·B·A, as one matrix.
 * A quantised base would lose the adapter to the rounding of its codes; there the adapters stay apart as a frozen
 * low-rank term, exact and small (docs/decisions/0013-merging-into-quantised-weights.md).
 */
import type { Session } from '../gpu/recorder.ts';
import { Tensor } from '../gpu/tensor.ts';
import { paddedRank, widened, type AdapterMatrices, type AdapterTarget } from '../nn/adapter.ts';
import type { LinearWeights } from '../ops/linear.ts';
import { allocateMatrix, isQuantised, type Matrix } from '../ops/matrix.ts';

type Weights = LinearWeights & { readonly weight: Matrix };

export interface FoldedWeights extends Weights {
  /** Memory that is not the base's. */
  readonly owned: readonly Tensor[];
}

/** Room for one matrix, in halves if the base is quantised. */
export function wholeWeights(session: Session, module: string, now: Weights): FoldedWeights {
  const { format, shape } = now.weight;
  const weight = allocateMatrix(session, `${module} merged`, shape, isQuantised(format) ? 'f16' : format);
  return { ...now, weight, owned: weight.tensors };
}

/** Room for adapters of `rank` altogether: in the weights, or beside them if those are quantised. */
export function roomForFold(session: Session, module: string, now: Weights, rank: number): FoldedWeights {
  if (!isQuantised(now.weight.format)) return wholeWeights(session, module, now);
  const [out, inn] = now.weight.shape;
  const a = session.resident(`${module} merged`, [paddedRank(rank), inn]);
  const room = session.resident(`${module} merged`, [Math.ceil(out / 4) * 4, paddedRank(rank)]);
  const b = new Tensor(room.label, 'f32', [out, paddedRank(rank)], room.storage, room.offset);
  return { ...now, frozen: { a, b }, owned: [a, room] };
}

/** Fills a frozen term from adapters side by side. */
export function writeFrozen(
  session: Session,
  frozen: NonNullable<LinearWeights['frozen']>,
  { target, a, b }: AdapterMatrices & { readonly target: AdapterTarget },
): void {
  session.write(frozen.a, a);
  session.write(frozen.b, widened(b, target, frozen.b.columns));
}

export const releaseFolded = (session: Session, weights: Iterable<FoldedWeights>): void => {
  for (const { owned } of weights) session.release(...owned);
};
