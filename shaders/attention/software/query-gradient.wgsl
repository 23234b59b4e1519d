#include row-sums
// dq = scale · Σ_j ds_j · k_j with ds = w ∘ (dO·vᵀ − delta), w from the saved softmax.
struct Params { parts: u32, rows: u32, Tq: u32, heads: u32, group: u32, qStride: u32, kStride: u32, vStride: u32, qOffset: u32, kOffset: u32, vOffset: u32, scale: f32, scaleLog2: f32, accumulate: u32 }
#include attention-gradient-bindings

@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) tile: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
  prepareLanes(lane);
  let start = tile.x * ${QUERIES}u;
  let head0 = tile.y * ${HEADS}u;
  let kColumn = p.kOffset + (head0 / p.group) * ${D / VW}u + lane;
  let vColumn = p.vOffset + (head0 / p.group) * ${D / VW}u + lane;
#for s in 0..SETS
  let row${s} = lane % ${PER}u + ${s * PER}u;
  let t${s} = start + row${s} / ${HEADS}u;
  let live${s} = row${s} < ${QUERIES * HEADS}u && t${s} < p.Tq;
  let facts${s} = 4u * ((head0 + row${s} % ${HEADS}u) * p.Tq + min(t${s}, p.Tq - 1u));
  // (lse2, delta)
  let known${s} = bitcast<vec2<f32>>(rows[facts${s} + 2u]);
#end
#for r in 0..ROWS
#for c in 0..COLUMNS
  var a${r}_${c} = ${VECTOR}();
  var b${r}_${c} = ${VECTOR}();
  var dq${r}_${c} = ${VECTOR}();
#end
#end
  for (var r = 0u; r < p.rows; r++) {
    let row = rowHeld(r);
    let t = min(start + row / ${HEADS}u, p.Tq - 1u);
    let head = head0 + row % ${HEADS}u;
    let qAt = p.qOffset + t * p.qStride + head * ${D / VW}u + lane;
    let gAt = (t * p.heads + head) * ${D / VW}u + lane;
#for c in 0..COLUMNS
    let x${c} = q[qAt + ${c * LANES}u] * p.scaleLog2;
    let y${c} = dO[gAt + ${c * LANES}u];
#end
#include attention-held
  }

  for (var part = 0u; part < p.parts; part++) {
    var least = 0xffffffffu;
    var most = 0u;
#for s in 0..SETS
    let range${s} = rows[facts${s} + part];
    let lo${s} = range${s}.x;
    let hi${s} = select(0u, range${s}.y, live${s});
    if (lo${s} < hi${s}) {
      least = min(least, lo${s});
      most = max(most, hi${s});
    }
#end
    let first = subgroupMin(least);
    let end = subgroupMax(most);
    for (var j = first; j < end; j++) {
#for c in 0..COLUMNS
      let a_${c} = k[j * p.kStride + kColumn + ${c * LANES}u];
      let b_${c} = v[j * p.vStride + vColumn + ${c * LANES}u];
#end
#include attention-products
#for s in 0..SETS
      // min: a masked score may lie far above the row's own maximum, and Inf must not arise even where it is dropped.
      let w${s} = exp2(min(score${s} - known${s}.x, 1.0));
      let ds${s} = select(0.0, w${s} * (dw${s} - known${s}.y), j >= lo${s} && j < hi${s});
#end
#for r in 0..ROWS
      {
        let ds = keptFor${r % PER}(ds${r / PER});
#for c in 0..COLUMNS
        dq${r}_${c} += ds * a_${c};
#end
      }
#end
    }
  }

  for (var r = 0u; r < p.rows; r++) {
#for c in 0..COLUMNS
    var x${c} = dq0_${c};
#end
#for r in 1..ROWS
    if (r == ${r}u) {
#for c in 0..COLUMNS
      x${c} = dq${r}_${c};
#end
    }
#end
    let row = rowHeld(r);
    let t = start + row / ${HEADS}u;
    if (row < ${QUERIES * HEADS}u && t < p.Tq) {
      let at = p.qOffset + t * p.qStride + (head0 + row % ${HEADS}u) * ${D / VW}u + lane;
#for c in 0..COLUMNS
      x${c} *= p.scale;
      if (p.accumulate != 0u) { x${c} += dq[at + ${c * LANES}u]; }
      dq[at + ${c * LANES}u] = x${c};
#end
    }
  }
}
