/**
 * What a recorded dispatch has to do, by its kernel's name and the shapes it binds: the numbers behind FLOP/s, bytes/s
 * and the share of the roofline. A multiply-add counts as two. Only the terms that grow fastest are counted.
 */
import { invariant } from '../base/error.ts';
import type { Dispatch } from '../gpu/program.ts';
import type { Tensor } from '../gpu/tensor.ts';

export interface Work {
  /** 0 where moving bytes is all there is to it. */
  readonly flops: number;
  /** Bytes that must move: what is bound, each once; of tables and caches, what is taken from them. */
  readonly bytes: number;
}

/** @param contents of the tensors that `contentsWanted` named */
export function workOf(dispatch: Dispatch, contents: ReadonlyMap<Tensor, ArrayBuffer> = new Map()): Work {
  return { flops: flopsOf(dispatch, contents), bytes: bytesOf(dispatch) };
}

/** Kernels that take some rows of something larger: the bindings that are no larger than what they take, and the large. */
const PARTIAL: Readonly<Record<string, { readonly small: readonly string[]; readonly large: readonly string[] }>> = {
  'gather/embed': { small: ['y'], large: ['table', 'features'] },
  'gather/rows': { small: ['x', 'y'], large: ['x', 'y'] },
  rotary: { small: ['x'], large: ['y', 'table'] },
  'attention/forward': { small: ['q'], large: ['k', 'v'] },
};

function bytesOf(dispatch: Dispatch): number {
  const partial = PARTIAL[dispatch.kernel.name];
  const most = Math.min(...(partial?.small.map((name) => tensorOf(dispatch, name)!.bytes) ?? [Infinity]));
  const bindings = dispatch.kernel.bindings.filter((b) => b.access !== 'uniform');
  // One that stands in for an operand that is not there counts once.
  return dispatch.tensors.reduce((sum, tensor, i, all) => {
    if (all.indexOf(tensor) < i) return sum;
    return sum + (partial?.large.includes(bindings[i]!.name) ? Math.min(tensor.bytes, most) : tensor.bytes);
  }, 0);
}

/** Attention's work depends on which keys its queries see. */
export const contentsWanted = (dispatch: Dispatch): Tensor | undefined =>
  dispatch.kernel.name === 'attention/forward' ? tensorOf(dispatch, 'ranges') : undefined;

function flopsOf(dispatch: Dispatch, contents: ReadonlyMap<Tensor, ArrayBuffer>): number {
  const { name } = dispatch.kernel;
  const of = (binding: string) => {
    const tensor = tensorOf(dispatch, binding);
    invariant(tensor, `${name} binds no ${binding}`);
    return tensor;
  };
  // What was recorded of attention is a bound. Scores and mixing, 2·D each a pair and head; backward makes the scores again.
  if (name === 'attention/forward') return 4 * of('o').columns * visiblePairs(of('ranges'), contents);
  if (name === 'attention/query-gradient') return 6 * of('dO').columns * visiblePairsAsBefore(dispatch, contents);
  if (name === 'attention/key-gradient') return 8 * of('dO').columns * visiblePairsAsBefore(dispatch, contents);
  return 2 * dispatch.multiplyAdds;
}

const tensorOf = ({ kernel, tensors }: Dispatch, binding: string): Tensor | undefined =>
  tensors[kernel.bindings.filter((b) => b.access !== 'uniform').findIndex((b) => b.name === binding)];

/** Keys seen, summed over queries. */
function visiblePairs(ranges: Tensor, contents: ReadonlyMap<Tensor, ArrayBuffer>): number {
  const bytes = contents.get(ranges);
  if (!bytes) return 0;
  const r = new Uint32Array(bytes);
  let pairs = 0;
  for (let i = 0; i < r.length; i += 4) pairs += Math.max(0, r[i + 1]! - r[i]!) + Math.max(0, r[i + 3]! - r[i + 2]!);
  return pairs;
}

/** The gradients bind rows made from the ranges; those of a forward pass over as many queries are the same. */
function visiblePairsAsBefore(dispatch: Dispatch, contents: ReadonlyMap<Tensor, ArrayBuffer>): number {
  const queries = tensorOf(dispatch, 'dO')!.rows;
  const ranges = [...contents.keys()].find((t) => t.rows === queries);
  return ranges ? visiblePairs(ranges, contents) : 0;
}
