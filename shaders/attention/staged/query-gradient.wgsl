// Flash attention, backward towards the queries: dq = scale · Σ_j ds_j · k_j with ds = w ∘ (dO·vᵀ − delta)
// Tiles as in forward.wgsl; no running maximum is needed since the softmax's sum is known (../rows.wgsl).
struct Params { parts: u32, slice: u32, eight: u32, products: u32, rows: u32, Tq: u32, heads: u32, group: u32, qStride: u32, kStride: u32, vStride: u32, qOffset: u32, kOffset: u32, vOffset: u32, scale: f32, scaleLog2: f32, accumulate: u32 }
#include attention-gradient-bindings

// Those of the first head: heads see the same.
fn rangeOf(query: u32, part: u32) -> vec2<u32> { return rows[4u * query + part]; }
// Quads by row and column.
fn left(product: u32, at: vec2<u32>) -> vec4<f32> {
  if (product == 0u) { return q[p.qOffset + at.x * p.qStride + at.y]; }
  return dO[at.x * p.heads * ${QUADS}u + at.y];
}
fn right(product: u32, at: vec2<u32>) -> vec4<f32> {
  if (product == 0u) { return k[p.kOffset + at.x * p.kStride + at.y]; }
  return v[p.vOffset + at.x * p.vStride + at.y];
}
fn mixed(mix: u32, at: vec2<u32>) -> vec4<f32> { return k[p.kOffset + at.x * p.kStride + at.y]; }

#include attention-tiles
#include attention-tile-rows
#for i in 0..4
  let known${i} = bitcast<vec2<f32>>(rows[4u * (head${i} * p.Tq + c${i}) + 2u]);
#end
  let lse = vec4<f32>(known0.x, known1.x, known2.x, known3.x);
  let delta = vec4<f32>(known0.y, known1.y, known2.y, known3.y);

  for (var part = 0u; part < p.parts; part++) {
#include attention-tile-span
    for (var base = first; base < to; base += 32u) {
      let rightAt = vec2<u32>(min(base + local / 4u, to - 1u), column);
#include attention-scores
#for j in 0..4
      let j${j} = vec4<u32>(base + tx + ${8 * j}u);
      let score${j} = vec4<f32>(s0_${j}, s1_${j}, s2_${j}, s3_${j}) * p.scaleLog2;
      let dw${j} = vec4<f32>(dw0_${j}, dw1_${j}, dw2_${j}, dw3_${j});
      // min: a masked score may lie far above the row's own maximum, and Inf must not arise even where it is dropped.
      let ds${j} = exp2(min(score${j} - lse, vec4<f32>(1.0))) * (dw${j} - delta);
      let w${j} = select(vec4<f32>(), ds${j}, (j${j} >= lo) & (j${j} < hi));
#end
      let mix = 0u;
#include attention-tile-mixed
    }
  }

  for (var i = 0u; i < p.rows; i++) {
#include attention-tile-row
    if (mine) {
      let at = p.qOffset + t * p.qStride + head * ${QUADS}u + tx;
#for c in 0..COLUMNS
      if (tx + ${8 * c}u < ${QUADS}u) {
        var x = x${c} * p.scale;
        if (p.accumulate != 0u) { x += dq[at + ${8 * c}u]; }
        dq[at + ${8 * c}u] = x;
      }
#end
    }
  }
}
