#include row-sums
// o [Tq, heads·D] and lse2 [heads, Tq]: flash attention, forward.
struct Params { parts: u32, queries: u32, rows: u32, Tq: u32, heads: u32, group: u32, qStride: u32, kStride: u32, vStride: u32, qOffset: u32, kOffset: u32, vOffset: u32, scaleLog2: f32 }
#include attention-forward-bindings

@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) tile: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
  prepareLanes(lane);
  let start = tile.x * ${QUERIES}u;
  let head0 = tile.y * ${HEADS}u;
  let kColumn = p.kOffset + (head0 / p.group) * ${D / VW}u + lane;
  let vColumn = p.vOffset + (head0 / p.group) * ${D / VW}u + lane;
  // The rows whose softmax this lane keeps.
#for s in 0..SETS
  let row${s} = lane % ${PER}u + ${s * PER}u;
  let t${s} = start + row${s} / ${HEADS}u;
  let live${s} = row${s} < ${QUERIES * HEADS}u && t${s} < p.Tq;
  let c${s} = min(t${s}, p.Tq - 1u);
  var max${s} = -1e30;
  var sum${s} = 0.0;
#end
#for r in 0..ROWS
#for c in 0..COLUMNS
  var q${r}_${c} = ${VECTOR}();
  var o${r}_${c} = ${VECTOR}();
#end
#end
  // Loops over rows keep the code that touches memory short, which is what compile time goes with.
  for (var r = 0u; r < p.rows; r++) {
    let row = rowHeld(r);
    let t = min(start + row / ${HEADS}u, p.Tq - 1u);
    let at = p.qOffset + t * p.qStride + (head0 + row % ${HEADS}u) * ${D / VW}u + lane;
#for c in 0..COLUMNS
    let x${c} = q[at + ${c * LANES}u] * p.scaleLog2;
#end
#for r in 0..ROWS
    if (r == ${r}u) {
#for c in 0..COLUMNS
      q${r}_${c} = x${c};
#end
    }
#end
  }

#if SCATTERED
  // Decoding: completions of one prompt share the first part; the second is walked for each query by itself.
  for (var turn = 0u; turn <= p.queries; turn++) {
    let part = min(turn, 1u);
#else
  for (var part = 0u; part < p.parts; part++) {
#endif
    var least = 0xffffffffu;
    var most = 0u;
#for s in 0..SETS
    let range${s} = ranges[2u * c${s} + part];
    let lo${s} = range${s}.x;
#if SCATTERED
    let hi${s} = select(0u, range${s}.y, live${s} && (turn == 0u || turn == row${s} / ${HEADS}u + 1u));
#else
    let hi${s} = select(0u, range${s}.y, live${s});
#endif
    if (lo${s} < hi${s}) {
      least = min(least, lo${s});
      most = max(most, hi${s});
    }
#end
    let first = subgroupMin(least);
    let end = subgroupMax(most);
    for (var base = first; base < end; base += ${KEYS}u) {
#for n in 0..KEYS
      let j${n} = base + ${n}u;
      let clamped${n} = min(j${n}, end - 1u);
#for c in 0..COLUMNS
      let k${n}_${c} = k[clamped${n} * p.kStride + kColumn + ${c * LANES}u];
      let v${n}_${c} = v[clamped${n} * p.vStride + vColumn + ${c * LANES}u];
#end
#for r in 0..ROWS
#for c in 0..COLUMNS
#if VW == 4
      let d${n}_${r}_${c} = dot(q${r}_${c}, k${n}_${c});
#else
      let d${n}_${r}_${c} = q${r}_${c} * k${n}_${c};
#endif
#end
      var d${n}_${r} = d${n}_${r}_0;
#for c in 1..COLUMNS
      d${n}_${r} += d${n}_${r}_${c};
#end
#end
#for s in 0..SETS
      let ok${n}_${s} = j${n} >= lo${s} && j${n} < hi${s};
      let s${n}_${s} = select(-1e30, rowSums(
#for r in 0..PER
        d${n}_${s * PER + r},
#end
      ), ok${n}_${s});
#end
#end
#for s in 0..SETS
      var top${s} = max${s};
#for n in 0..KEYS
      top${s} = max(top${s}, s${n}_${s});
#end
      let shrink${s} = exp2(max${s} - top${s});
      max${s} = top${s};
      sum${s} *= shrink${s};
#for n in 0..KEYS
      // A row that has seen no key yet has max = s = -1e30: the select keeps its weights at zero.
      let w${n}_${s} = select(0.0, exp2(s${n}_${s} - top${s}), ok${n}_${s});
      sum${s} += w${n}_${s};
#end
#end
#for r in 0..ROWS
      {
        let shrink = keptFor${r % PER}(shrink${r / PER});
#for n in 0..KEYS
        let w${n} = keptFor${r % PER}(w${n}_${r / PER});
#end
#for c in 0..COLUMNS
        o${r}_${c} *= shrink;
#for n in 0..KEYS
        o${r}_${c} += w${n} * v${n}_${c};
#end
#end
      }
#end
    }
  }

#for s in 0..SETS
  let inverse${s} = select(0.0, 1.0 / max(sum${s}, 1e-30), sum${s} > 0.0);
#end
#for r in 0..ROWS
  {
    let inverse = keptFor${r % PER}(inverse${r / PER});
#for c in 0..COLUMNS
    o${r}_${c} *= inverse;
#end
  }
#end
  for (var r = 0u; r < p.rows; r++) {
#for c in 0..COLUMNS
    var x${c} = o0_${c};
#end
#for r in 1..ROWS
    if (r == ${r}u) {
#for c in 0..COLUMNS
      x${c} = o${r}_${c};
#end
    }
#end
    let row = rowHeld(r);
    let t = start + row / ${HEADS}u;
    if (row < ${QUERIES * HEADS}u && t < p.Tq) {
      let at = (t * p.heads + head0 + row % ${HEADS}u) * ${D / VW}u + lane;
#for c in 0..COLUMNS
      o[at + ${c * LANES}u] = x${c};
#end
    }
  }
#if SAVE
#for s in 0..SETS
  if (live${s} && lane < ${PER}u) {
    lse2[(head0 + row${s} % ${HEADS}u) * p.Tq + t${s}] = select(0.0, max${s} + log2(max(sum${s}, 1e-30)), sum${s} > 0.0);
  }
#end
#endif
}
