#if SUBGROUPS
enable subgroups;
diagnostic(off, subgroup_uniformity);
#endif
// Flash attention, backward towards the queries: dq = scale · Σ_j ds_j · k_j with ds = w ∘ (dO·vᵀ − delta)
// Tiles and lanes as in forward.wgsl; no running maximum is needed since the softmax's sum is known (rows.wgsl).
struct Params { parts: u32, Tq: u32, heads: u32, group: u32, qStride: u32, kStride: u32, vStride: u32, qOffset: u32, kOffset: u32, vOffset: u32, scale: f32, scaleLog2: f32, accumulate: u32 }
#include attention-gradient-bindings
#if !SUBGROUPS
var<workgroup> weights: array<f32, ${ROWS * KEYS * LANES}>;
#endif

// Those of the first head: heads see the same.
fn rangeOf(query: u32, part: u32) -> vec2<u32> { return rows[4u * query + part]; }

#include attention-main
  let head0 = tile.y * ${HEADS}u;
  let kvColumn = (head0 / p.group) * ${D / 4}u;
#for i in 0..QUERIES
  let t${i} = tile.x * ${QUERIES}u + ${i}u;
  let c${i} = min(t${i}, p.Tq - 1u);
#end
#for r in 0..ROWS
  let q${r} = p.qOffset + c${r / HEADS} * p.qStride + (head0 + ${r % HEADS}u) * ${D / 4}u;
  let g${r} = (c${r / HEADS} * p.heads + head0 + ${r % HEADS}u) * ${D / 4}u;
  let known${r} = bitcast<vec2<f32>>(rows[4u * ((head0 + ${r % HEADS}u) * p.Tq + c${r / HEADS}) + 2u]);
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
      let v${n} = p.vOffset + min(j${n}, to - 1u) * p.vStride + kvColumn;
#for r in 0..ROWS
      var s${r}_${n} = 0.0;
      var dw${r}_${n} = 0.0;
#end
#end
      for (var d = 0u; d < ${D / 4}u; d++) {
#for n in 0..KEYS
        let kv${n} = k[k${n} + d];
        let vv${n} = v[v${n} + d];
#end
#for r in 0..ROWS
        let qv${r} = q[q${r} + d];
        let gv${r} = dO[g${r} + d];
#for n in 0..KEYS
        s${r}_${n} += dot(qv${r}, kv${n});
        dw${r}_${n} += dot(gv${r}, vv${n});
#end
#end
      }
#for r in 0..ROWS
#for n in 0..KEYS
      // min: a masked score may lie far above the row's own maximum, and Inf must not arise even where it is dropped.
      let e${r}_${n} = exp2(min(s${r}_${n} * p.scaleLog2 - known${r}.x, 1.0));
      let w${r}_${n} = select(0.0, e${r}_${n} * (dw${r}_${n} - known${r}.y), j${n} >= lo${r / HEADS} && j${n} < hi${r / HEADS});
#end
#end
#include attention-mixed
    }
  }

  for (var r = 0u; r < ${ROWS}u; r++) {
    var t = t0;
    var at = q0;
#for c in 0..COLUMNS
    var x${c} = o0_${c};
#end
#for r in 1..ROWS
    if (r == ${r}u) {
      t = t${r / HEADS};
      at = q${r};
#for c in 0..COLUMNS
      x${c} = o${r}_${c};
#end
    }
#end
    if (t < p.Tq) {
#for c in 0..COLUMNS
      {
        var x = x${c} * p.scale;
#if VW == 4
        let to = at + ${c * LANES}u + lane;
        if (p.accumulate != 0u) { x += dq[to]; }
        dq[to] = x;
#else
        let column = ${c * LANES}u + lane;
        if (column < ${D}u) {
          let to = at + column / 4u;
          if (p.accumulate != 0u) { x += dq[to][column % 4u]; }
          dq[to][column % 4u] = x;
        }
#endif
      }
#end
    }
  }
}
