#include row-sums
// dv_j = Σ_t w_tj · dO_t,  dk_j = scale · Σ_t ds_tj · q_t. Here the rows are ROWS neighbouring keys of one kv head, and
// the loop runs over the queries that may see them, in every head of the group.
struct Params { rows: u32, Tq: u32, Tk: u32, heads: u32, group: u32, qStride: u32, kStride: u32, vStride: u32, qOffset: u32, kOffset: u32, vOffset: u32, scale: f32, scaleLog2: f32, accumulateK: u32, accumulateV: u32 }
#include attention-gradient-bindings

@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) tile: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
  prepareLanes(lane);
  let start = tile.x * ${ROWS}u;
  let kvColumn = tile.y * ${D / VW}u + lane;
  var least = 0xffffffffu;
  var most = 0u;
#for s in 0..SETS
  // The key whose weights this lane keeps.
  let j${s} = start + lane % ${PER}u + ${s * PER}u;
  {
    let range = keyRanges[min(j${s}, p.Tk - 1u)];
    if (range.x < range.y) {
      least = min(least, range.x);
      most = max(most, min(range.y, p.Tq));
    }
  }
#end
#for r in 0..ROWS
#for c in 0..COLUMNS
  var a${r}_${c} = ${VECTOR}();
  var b${r}_${c} = ${VECTOR}();
  var dk${r}_${c} = ${VECTOR}();
  var dv${r}_${c} = ${VECTOR}();
#end
#end
  for (var r = 0u; r < p.rows; r++) {
    let j = min(start + rowHeld(r), p.Tk - 1u);
#for c in 0..COLUMNS
    let x${c} = k[p.kOffset + j * p.kStride + kvColumn + ${c * LANES}u] * p.scaleLog2;
    let y${c} = v[p.vOffset + j * p.vStride + kvColumn + ${c * LANES}u];
#end
#include attention-held
  }

  let first = subgroupMin(least);
  let end = subgroupMax(most);
  for (var head = tile.y * p.group; head < (tile.y + 1u) * p.group; head++) {
    let column = head * ${D / VW}u + lane;
    for (var t = first; t < end; t++) {
      let range = rows[2u * (head * p.Tq + t)];
      // (lse2, delta)
      let known = bitcast<vec2<f32>>(rows[2u * (head * p.Tq + t) + 1u].xy);
#for c in 0..COLUMNS
      let a_${c} = q[p.qOffset + t * p.qStride + column + ${c * LANES}u];
      let b_${c} = dO[t * p.heads * ${D / VW}u + column + ${c * LANES}u];
#end
#include attention-products
#for s in 0..SETS
      let ok${s} = (j${s} >= range.x && j${s} < range.y) || (j${s} >= range.z && j${s} < range.w);
      // min: a masked score may lie far above the row's own maximum, and Inf must not arise even where it is dropped.
      let w_${s} = select(0.0, exp2(min(score${s} - known.x, 1.0)), ok${s});
      let ds_${s} = w_${s} * (dw${s} - known.y);
#end
#for r in 0..ROWS
      {
        let w = keptFor${r % PER}(w_${r / PER});
        let ds = keptFor${r % PER}(ds_${r / PER});
#for c in 0..COLUMNS
        dk${r}_${c} += ds * a_${c};
        dv${r}_${c} += w * b_${c};
#end
      }
#end
    }
  }

  for (var r = 0u; r < p.rows; r++) {
#for c in 0..COLUMNS
    var x${c} = dk0_${c};
    var y${c} = dv0_${c};
#end
#for r in 1..ROWS
    if (r == ${r}u) {
#for c in 0..COLUMNS
      x${c} = dk${r}_${c};
      y${c} = dv${r}_${c};
#end
    }
#end
    let j = start + rowHeld(r);
    if (j < p.Tk) {
      let kAt = p.kOffset + j * p.kStride + kvColumn;
      let vAt = p.vOffset + j * p.vStride + kvColumn;
#for c in 0..COLUMNS
      x${c} *= p.scale;
      if (p.accumulateK != 0u) { x${c} += dk[kAt + ${c * LANES}u]; }
      dk[kAt + ${c * LANES}u] = x${c};
      if (p.accumulateV != 0u) { y${c} += ${DV}[vAt + ${c * LANES}u]; }
      ${DV}[vAt + ${c * LANES}u] = y${c};
#end
    }
  }
}
