/**
 * Attention over explicit key ranges, differentiable, in memory linear in length (FlashAttention-2, arXiv 2307.08691:
 * forward saves one number a row; backward recomputes the weights). One forward kernel serves training, prefill,
 * vision windows, packed sequences, shared prefixes (arXiv 2506.05433) and decoding, because what a query may see is
 * data, not a mode:
 *
 *   one causal sequence    (0, 0, 0, t + 1)
 *   packed sequences       (0, 0, sequenceStart, t + 1)
 *   windows, whole images  (0, 0, start, end)
 *   shared prefix          (promptStart, promptEnd, segmentStart, t + 1)
 *   decoding               k, v are caches; (prompt's rows, this completion's rows so far)
 *
 * Left out on purpose: dropout, additive biases, f16 keys (the cache is f32 for now).
 */
import keySum from '../../shaders/attention/key-sum.wgsl';
import merge from '../../shaders/attention/merge.wgsl';
import rowFacts from '../../shaders/attention/rows.wgsl';
import { invariant } from '../base/error.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { attentionTiles } from './attention-tiles.ts';
import { ceilDiv, flatGroups } from './groups.ts';
import type { Sink, Tape } from './tape.ts';

export interface AttentionArgs {
  /** [Tq, qStride]: head h occupies columns qOffset + h·headDim …; rotary already applied. */
  readonly q: Tensor;
  /** [Tk, kStride]: kv head g occupies columns kOffset + g·headDim … */
  readonly k: Tensor;
  /** [Tk, vStride], likewise. q, k and v may be columns of one tensor. */
  readonly v: Tensor;
  /** u32 [Tq, 4] = (a0, a1, b0, b1): query t sees keys [a0, a1) ∪ [b0, b1); disjoint, a before b, either may be empty. */
  readonly ranges: Tensor;
  /** u32 [Tk, 2] = [q0, q1): contains every query that sees key j. Needed for gradients of k and v only. */
  readonly keyRanges: Tensor | null;
  readonly heads: number;
  /** Divides heads; head h reads kv head ⌊h · kvHeads / heads⌋. */
  readonly kvHeads: number;
  /** A multiple of 4, at most 128. */
  readonly headDim: number;
  /** Factor on the scores, usually 1/√headDim. */
  readonly scale: number;
  /** First column of each, a multiple of 4. */
  readonly qOffset?: number;
  readonly kOffset?: number;
  readonly vOffset?: number;
  /** Neighbouring queries see different keys (decoding, a row each): tiles then share keys between heads only. */
  readonly scattered?: boolean;
}

/**
 * q [Tq, ·], k [Tk, ·], v [Tk, ·] → o [Tq, heads·headDim]. A query that sees no key yields zeros (padding).
 * Gradients go to whichever of q, k, v the tape tracks; they are deterministic.
 */
export function attention(tape: Tape, args: AttentionArgs): Tensor {
  const { rec } = tape;
  const { q, k, v, ranges, heads, kvHeads, headDim } = args;
  const [Tq, Tk] = [q.rows, k.rows];
  check(args);
  const inputs = [q, k, v];
  const save = inputs.some((t) => tape.tracks(t));
  const o = rec.empty('attention', [Tq, heads * headDim]);
  const lse2 = save ? rec.empty('attention lse', [heads, Tq]) : null;
  const tiles = attentionTiles(rec.session, { heads, kvHeads, headDim, scattered: args.scattered ?? false });
  const ELEMENT = tiles.unit === 4 ? 'vec4<f32>' : 'f32';
  const views = {
    qStride: q.columns / tiles.unit,
    kStride: k.columns / tiles.unit,
    vStride: v.columns / tiles.unit,
    qOffset: (args.qOffset ?? 0) / tiles.unit,
    kOffset: (args.kOffset ?? 0) / tiles.unit,
    vOffset: (args.vOffset ?? 0) / tiles.unit,
  };
  const shape = { Tq, heads, group: heads / kvHeads, ...views, scaleLog2: args.scale * Math.LOG2E };
  // Were every query to see every key: scores and mixing forward; backward makes the scores again.
  const product = Tq * Tk * heads * headDim;
  const queryGroups = [ceilDiv(Tq, tiles.queries), heads / tiles.heads] as const;

  const stretches = save ? 1 : tiles.stretches(Tq, Tk);
  const halves =
    stretches > 1
      ? {
          part: rec.empty('attention stretches', [stretches, Tq, heads * headDim]),
          sums: rec.empty('attention sums', [stretches, heads, Tq, 2]),
        }
      : null;
  rec.dispatch('attention/forward', tiles.forward.source, {
    constants: { ...tiles.forward.constants, ELEMENT, SAVE: save, SPLIT: halves !== null },
    bind: {
      q,
      k,
      v,
      ranges,
      ...(halves ? { o: halves.part, lse2: halves.sums } : { o, ...(lse2 && { lse2 }) }),
    },
    params: { ...tiles.forward.params, ...shape, ...(tiles.stretched && { stretches }) },
    groups: [...queryGroups, stretches],
    multiplyAdds: 2 * product,
  });
  if (halves)
    rec.dispatch('attention/merge', merge, {
      bind: { ...halves, o },
      params: { stretches, Tq, heads, quads: headDim / 4 },
      groups: flatGroups((Tq * heads * headDim) / 4),
    });

  tape.node(inputs, [o], () => {
    const dO = tape.grad(o);
    invariant(dO && lse2, 'attention without a gradient');
    const facts = rec.empty('attention rows', [heads, Tq, 8], 'u32');
    rec.dispatch('attention/rows', rowFacts, {
      bind: { o, dO, lse2, ranges, rows: facts },
      params: { Tq, heads, quads: headDim / 4 },
      groups: flatGroups(Tq * heads),
    });
    const [dq, dk, dv] = gradientSinks(tape, args);
    if (dq) {
      rec.dispatch('attention/query-gradient', tiles.queryGradient.source, {
        constants: { ...tiles.queryGradient.constants, ELEMENT, QUERY_GRADIENT: true, SPLIT: false },
        bind: { q, k, v, dO, rows: facts, dq: dq.tensor },
        params: { ...tiles.queryGradient.params, ...shape, scale: args.scale, accumulate: dq.accumulate ? 1 : 0 },
        groups: queryGroups,
        multiplyAdds: 3 * product,
      });
    }
    if (dk && dv) {
      const { keyRanges } = args;
      invariant(keyRanges, 'attention needs keyRanges for the gradients of k and v');
      const apart = dk.tensor.storage !== dv.tensor.storage;
      const sinks = { dk: dk.tensor, ...(apart && { dv: dv.tensor }) };
      const accumulate = { accumulateK: dk.accumulate ? 1 : 0, accumulateV: dv.accumulate ? 1 : 0 };
      const DV = { DV_APART: apart, DV: apart ? 'dv' : 'dk' };
      const parts = tiles.keyParts(Tk);
      const quads = (kvHeads * headDim) / 4;
      const partial = parts > 1 ? rec.empty('attention key parts', [parts, Tk, 8 * quads]) : null;
      rec.dispatch('attention/key-gradient', tiles.keyGradient.source, {
        constants: {
          ...tiles.keyGradient.constants,
          ELEMENT,
          QUERY_GRADIENT: false,
          ...(partial ? { SPLIT: true, DV_APART: false, DV: 'dk' } : { SPLIT: false, ...DV }),
        },
        bind: { q, k, v, dO, rows: facts, keyRanges, ...(partial ? { dk: partial } : sinks) },
        params: {
          ...tiles.keyGradient.params,
          ...(tiles.splits && { share: heads / kvHeads / parts, quads }),
          ...shape,
          Tk,
          scale: args.scale,
          ...accumulate,
        },
        groups: [ceilDiv(Tk, tiles.keys), kvHeads, parts],
        multiplyAdds: 4 * product,
      });
      if (partial) {
        const { kStride, vStride, kOffset, vOffset } = views;
        rec.dispatch('attention/key-sum', keySum, {
          constants: DV,
          bind: { part: partial, ...sinks },
          params: { parts, Tk, quads, kStride, vStride, kOffset, vOffset, ...accumulate },
          groups: flatGroups(Tk * 2 * quads),
        });
      }
    }
  });
  return o;
}

/**
 * Where dq, dk and dv go; null for what is not wanted (k and v come together). Views of one tensor share one gradient:
 * each kernel writes its own columns of it, over zeros if the views leave columns out.
 */
function gradientSinks(tape: Tape, args: AttentionArgs): [Sink | null, Sink | null, Sink | null] {
  const { q, k, v, heads, kvHeads, headDim } = args;
  const sinks = new Map<Tensor['storage'], Sink>();
  const parts = [
    { tensor: q, columns: heads * headDim, wanted: tape.tracks(q) },
    { tensor: k, columns: kvHeads * headDim, wanted: tape.tracks(k) || tape.tracks(v) },
    { tensor: v, columns: kvHeads * headDim, wanted: tape.tracks(k) || tape.tracks(v) },
  ];
  const sinkOf = (tensor: Tensor): Sink => {
    // The kernel makes dk and dv together; a half nobody wants goes nowhere.
    if (!tape.tracks(tensor))
      return { tensor: tape.rec.empty(`unused d ${tensor.label}`, tensor.shape), accumulate: false };
    const sink = tape.sink(tensor);
    const written = parts
      .filter((p) => p.wanted && p.tensor.storage === tensor.storage)
      .reduce((sum, p) => sum + p.columns, 0);
    if (sink.accumulate || written === tensor.columns) return sink;
    tape.rec.clear(sink.tensor);
    return { tensor: sink.tensor, accumulate: true };
  };
  const [dq, dk, dv] = parts.map(({ tensor, wanted }) => {
    if (!wanted) return null;
    const sink = sinks.get(tensor.storage) ?? sinkOf(tensor);
    sinks.set(tensor.storage, sink);
    return sink;
  });
  return [dq!, dk!, dv!];
}

function check({
  q,
  k,
  v,
  ranges,
  keyRanges,
  heads,
  kvHeads,
  headDim,
  qOffset = 0,
  kOffset = 0,
  vOffset = 0,
}: AttentionArgs): void {
  invariant(
    headDim % 4 === 0 && headDim >= 4 && headDim <= 128,
    `attention: head size ${headDim} is not a multiple of 4 up to 128`,
  );
  invariant(heads % kvHeads === 0, `attention: ${heads} heads cannot share ${kvHeads} kv heads`);
  invariant(k.rows === v.rows, `attention: ${k.rows} keys but ${v.rows} values`);
  invariant(
    ranges.rows === q.rows && ranges.columns === 4 && ranges.dtype === 'u32',
    `attention: ranges [${ranges.shape}] for ${q.rows} queries`,
  );
  invariant(
    !keyRanges || (keyRanges.rows === k.rows && keyRanges.columns === 2 && keyRanges.dtype === 'u32'),
    `attention: keyRanges [${keyRanges?.shape}] for ${k.rows} keys`,
  );
  const views = [
    { name: 'q', tensor: q, offset: qOffset, width: heads * headDim },
    { name: 'k', tensor: k, offset: kOffset, width: kvHeads * headDim },
    { name: 'v', tensor: v, offset: vOffset, width: kvHeads * headDim },
  ];
  for (const { name, tensor, offset, width } of views) {
    invariant(
      offset % 4 === 0 && tensor.columns % 4 === 0,
      `attention: ${name} starts at column ${offset} of ${tensor.columns}, not multiples of 4`,
    );
    invariant(
      offset + width <= tensor.columns,
      `attention: ${name} columns ${offset}…${offset + width} exceed ${tensor.columns}`,
    );
  }
  for (const a of views)
    for (const b of views)
      invariant(
        a === b ||
          a.tensor.storage !== b.tensor.storage ||
          a.offset + a.width <= b.offset ||
          b.offset + b.width <= a.offset,
        `attention: ${a.name} and ${b.name} are the same columns`,
      );
}
