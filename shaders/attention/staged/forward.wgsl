// Flash attention, forward: o = softmax(scale · q·kᵀ over the keys a query may see) · v
//   q [Tq, qStride], k [Tk, kStride], v [Tk, vStride] → o [Tq, heads·D], lse2 [heads, Tq] (log2 of the softmax's sum)
// Query t sees the keys [a0, a1) ∪ [b0, b1) of ranges[t]; the two parts are walked one after the other.
struct Params { parts: u32, slice: u32, eight: u32, products: u32, rows: u32, Tq: u32, heads: u32, group: u32, qStride: u32, kStride: u32, vStride: u32, qOffset: u32, kOffset: u32, vOffset: u32, scaleLog2: f32 }
#include attention-forward-bindings

fn rangeOf(query: u32, part: u32) -> vec2<u32> { return ranges[2u * query + part]; }
// Quads by row and column.
fn left(product: u32, at: vec2<u32>) -> vec4<f32> { return q[p.qOffset + at.x * p.qStride + at.y]; }
fn right(product: u32, at: vec2<u32>) -> vec4<f32> { return k[p.kOffset + at.x * p.kStride + at.y]; }
fn mixed(mix: u32, at: vec2<u32>) -> vec4<f32> { return v[p.vOffset + at.x * p.vStride + at.y]; }

#include attention-tiles
#include attention-tile-rows
  var most = vec4<f32>(-1e30);
  var sum = vec4<f32>();

  for (var part = 0u; part < p.parts; part++) {
#include attention-tile-span
    for (var base = first; base < to; base += 32u) {
      let rightAt = vec2<u32>(min(base + local / 4u, to - 1u), column);
#include attention-scores
#for j in 0..4
      let j${j} = base + tx + ${8 * j}u;
      let ok${j} = (vec4<u32>(j${j}) >= lo) & (vec4<u32>(j${j}) < hi);
      let score${j} = select(vec4<f32>(-1e30), vec4<f32>(s0_${j}, s1_${j}, s2_${j}, s3_${j}) * p.scaleLog2, ok${j});
#end
      // The largest score of a row, over the eight invocations that share it.
      weights[tx * 16u + ty] = max(max(score0, score1), max(score2, score3));
      workgroupBarrier();
      var top = most;
      for (var x = 0u; x < ${EIGHT}; x++) { top = max(top, weights[x * 16u + ty]); }
      let shrink = exp2(most - top);
      most = top;
      // A row that has seen no key yet has top = s = -1e30: the select keeps its weights at zero.
#for j in 0..4
      let w${j} = select(vec4<f32>(), exp2(score${j} - top), ok${j});
#end
      sum = sum * shrink + w0 + w1 + w2 + w3;
#for i in 0..4
#for c in 0..COLUMNS
      o${i}_${c} *= shrink[${i}];
#end
#end
      let mix = 0u;
#include attention-tile-mixed
    }
  }

  workgroupBarrier();
  weights[tx * 16u + ty] = sum;
  workgroupBarrier();
  sum = vec4<f32>();
  for (var x = 0u; x < ${EIGHT}; x++) { sum += weights[x * 16u + ty]; }
  let inverse = select(vec4<f32>(), 1.0 / max(sum, vec4<f32>(1e-30)), sum > vec4<f32>());
  // A loop over the rows' registers keeps the code that touches memory short.
  for (var i = 0u; i < p.rows; i++) {
#include attention-tile-row
    if (mine) {
      let at = (t * p.heads + head) * ${QUADS}u + tx;
#for c in 0..COLUMNS
      if (tx + ${8 * c}u < ${QUADS}u) { o[at + ${8 * c}u] = x${c} * inverse[i]; }
#end
#if SAVE
      if (tx == 0u) { lse2[head * p.Tq + t] = select(0.0, most[i] + log2(max(sum[i], 1e-30)), sum[i] > 0.0); }
#endif
    }
  }
}
