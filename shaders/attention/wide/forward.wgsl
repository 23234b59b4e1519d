#if SUBGROUPS
enable subgroups;
diagnostic(off, subgroup_uniformity);
#endif
// Flash attention, forward: o = softmax(scale · q·kᵀ over the keys a query may see) · v
//   q [Tq, qStride], k [Tk, kStride], v [Tk, vStride] → o [Tq, heads·D], lse2 [heads, Tq] (log2 of the softmax's sum)
//
// A workgroup of LANES invocations has ROWS = QUERIES × HEADS rows: neighbouring queries, and heads that share keys.
// Scores: a lane owns a key, so the dot products need no talk between lanes; q is the same for all of them.
// Values: a lane owns columns of the output; the weights of the tile's keys are handed round.
// SPLIT: few rows with many keys (decoding) are shared by `stretches` workgroups each, whose unfinished sums merge.wgsl
// puts together:  o [stretches, Tq, heads·D] not yet divided, lse2 [stretches, heads, Tq, 2] = largest score, sum
//
// Query t sees the keys [a0, a1) ∪ [b0, b1) of ranges[t]; the two parts are walked one after the other.
struct Params { parts: u32, Tq: u32, heads: u32, group: u32, qStride: u32, kStride: u32, vStride: u32, qOffset: u32, kOffset: u32, vOffset: u32, scaleLog2: f32, stretches: u32 }
#include attention-forward-bindings
#include lanes
#if !SUBGROUPS
var<workgroup> weights: array<f32, ${ROWS * KEYS * LANES}>;
#endif

fn rangeOf(query: u32, part: u32) -> vec2<u32> { return ranges[2u * query + part]; }

#include attention-main
  laneIndex = lane;
  let head0 = tile.y * ${HEADS}u;
  let kvColumn = (head0 / p.group) * ${D / 4}u;
#for i in 0..QUERIES
  let t${i} = tile.x * ${QUERIES}u + ${i}u;
  // Queries past the end repeat the last one and see nothing.
  let c${i} = min(t${i}, p.Tq - 1u);
#end
#for r in 0..ROWS
  let q${r} = p.qOffset + c${r / HEADS} * p.qStride + (head0 + ${r % HEADS}u) * ${D / 4}u;
  var max${r} = -1e30;
  var sum${r} = 0.0;
#for c in 0..COLUMNS
  var o${r}_${c} = ${VECTOR}();
#end
#end

  for (var part = 0u; part < p.parts; part++) {
#include attention-span
    for (var base = first; base < to; base += ${LANES * KEYS}u) {
#for n in 0..KEYS
      let j${n} = base + ${n * LANES}u + lane;
      let k${n} = p.kOffset + min(j${n}, to - 1u) * p.kStride + kvColumn;
#for r in 0..ROWS
      var s${r}_${n} = 0.0;
#end
#end
      for (var d = 0u; d < ${D / 4}u; d++) {
#for n in 0..KEYS
        let kv${n} = k[k${n} + d];
#end
#for r in 0..ROWS
        let qv${r} = q[q${r} + d];
#for n in 0..KEYS
        s${r}_${n} += dot(qv${r}, kv${n});
#end
#end
      }
#for r in 0..ROWS
#for n in 0..KEYS
      let ok${r}_${n} = j${n} >= lo${r / HEADS} && j${n} < hi${r / HEADS};
      s${r}_${n} = select(-1e30, s${r}_${n} * p.scaleLog2, ok${r}_${n});
#end
      var top${r} = s${r}_0;
#for n in 1..KEYS
      top${r} = max(top${r}, s${r}_${n});
#end
      top${r} = max(max${r}, lanesMax(top${r}));
      let shrink${r} = exp2(max${r} - top${r});
      max${r} = top${r};
      sum${r} *= shrink${r};
#for n in 0..KEYS
      // A row that has seen no key yet has max = s = -1e30: the select keeps its weights at zero.
      let w${r}_${n} = select(0.0, exp2(s${r}_${n} - top${r}), ok${r}_${n});
      sum${r} += w${r}_${n};
#end
#for c in 0..COLUMNS
      o${r}_${c} *= shrink${r};
#end
#end
#include attention-mixed
    }
  }

  // A loop over the rows' registers keeps the code that touches memory short: software drivers compile it slowly.
  for (var r = 0u; r < ${ROWS}u; r++) {
    var t = t0;
    var head = head0;
    var top = max0;
    var sum = sum0;
#for c in 0..COLUMNS
    var x${c} = o0_${c};
#end
#for r in 1..ROWS
    if (r == ${r}u) {
      t = t${r / HEADS};
      head = head0 + ${r % HEADS}u;
      top = max${r};
      sum = sum${r};
#for c in 0..COLUMNS
      x${c} = o${r}_${c};
#end
    }
#end
    sum = lanesAdd(sum);
#if SPLIT
    let inverse = 1.0;
#else
    let inverse = select(0.0, 1.0 / max(sum, 1e-30), sum > 0.0);
#endif
    if (t < p.Tq) {
#if SPLIT
      let row = ((tile.z * p.Tq + t) * p.heads + head) * ${D / 4}u;
      if (lane == 0u) {
        let at = 2u * ((tile.z * p.heads + head) * p.Tq + t);
        lse2[at] = top;
        lse2[at + 1u] = sum;
      }
#else
      let row = (t * p.heads + head) * ${D / 4}u;
#endif
#for c in 0..COLUMNS
#if VW == 4
      o[row + ${c * LANES}u + lane] = x${c} * inverse;
#else
      let at${c} = ${c * LANES}u + lane;
      if (at${c} < ${D}u) { o[row + at${c} / 4u][at${c} % 4u] = x${c} * inverse; }
#endif
#end
#if SAVE && !SPLIT
      if (lane == 0u) { lse2[head * p.Tq + t] = select(0.0, top + log2(max(sum, 1e-30)), sum > 0.0); }
#endif
    }
  }
}
