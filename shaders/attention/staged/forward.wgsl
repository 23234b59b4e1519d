// Flash attention, forward: o = softmax(scale · q·kᵀ over the keys a query may see) · v
//   q [Tq, qStride], k [Tk, kStride], v [Tk, vStride] → o [Tq, heads·D], lse2 [heads, Tq] (log2 of the softmax's sum)
// Query t sees the keys [a0, a1) ∪ [b0, b1) of ranges[t]; the two parts are walked one after the other.
struct Params { parts: u32, Tq: u32, heads: u32, group: u32, qStride: u32, kStride: u32, vStride: u32, qOffset: u32, kOffset: u32, vOffset: u32, scaleLog2: f32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> q: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> k: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> v: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> ranges: array<vec2<u32>>;
@group(0) @binding(5) var<storage, read_write> o: array<vec4<f32>>;
#if SAVE
@group(0) @binding(6) var<storage, read_write> lse2: array<f32>;
#endif

fn rangeOf(query: u32, part: u32) -> vec2<u32> { return ranges[2u * query + part]; }
fn left0(at: u32, quad: u32) -> vec4<f32> { return q[at + min(quad, ${QUADS - 1}u)]; }
fn right0(at: u32, quad: u32) -> vec4<f32> { return select(vec4<f32>(), k[at + min(quad, ${QUADS - 1}u)], quad < ${QUADS}u); }
fn mixed0(row: u32, quad: u32, column: u32) -> vec4<f32> { return v[p.vOffset + row * p.vStride + column + quad]; }

#include attention-tiles
#include attention-tile-rows
  let column0 = kvColumn;
  var most = vec4<f32>(-1e30);
  var sum = vec4<f32>();

  for (var part = 0u; part < p.parts; part++) {
#include attention-tile-span
    for (var base = first; base < to; base += 32u) {
      let rightAt0 = p.kOffset + min(base + local / 4u, to - 1u) * p.kStride + kvColumn;
#for part in 0..1
#include attention-scores
#end
#for j in 0..4
      let j${j} = base + tx + ${8 * j}u;
      let ok${j} = (vec4<u32>(j${j}) >= lo) & (vec4<u32>(j${j}) < hi);
      let s${j} = select(vec4<f32>(-1e30), vec4<f32>(s0_0_${j}, s0_1_${j}, s0_2_${j}, s0_3_${j}) * p.scaleLog2, ok${j});
#end
      // The largest score of a row, over the eight invocations that share it.
      weights[tx * 16u + ty] = max(max(s0, s1), max(s2, s3));
      workgroupBarrier();
      var top = most;
      for (var x = 0u; x < 8u; x++) { top = max(top, weights[x * 16u + ty]); }
      let shrink = exp2(most - top);
      most = top;
      // A row that has seen no key yet has top = s = -1e30: the select keeps its weights at zero.
#for j in 0..4
      let w0_${j} = select(vec4<f32>(), exp2(s${j} - top), ok${j});
#end
      sum = sum * shrink + w0_0 + w0_1 + w0_2 + w0_3;
#for i in 0..4
#for c in 0..COLUMNS
      o0_${i}_${c} *= shrink[${i}];
#end
#end
#for mix in 0..1
#include attention-tile-mixed
#end
    }
  }

  workgroupBarrier();
  weights[tx * 16u + ty] = sum;
  workgroupBarrier();
  sum = vec4<f32>();
  for (var x = 0u; x < 8u; x++) { sum += weights[x * 16u + ty]; }
  let inverse = select(vec4<f32>(), 1.0 / max(sum, vec4<f32>(1e-30)), sum > vec4<f32>());
#for i in 0..4
  if (mine${i}) {
    let to = (t${i} * p.heads + head${i}) * ${QUADS}u + tx;
#for c in 0..COLUMNS
    if (tx + ${8 * c}u < ${QUADS}u) { o[to + ${8 * c}u] = o0_${i}_${c} * inverse[${i}]; }
#end
#if SAVE
    if (tx == 0u) { lse2[head${i} * p.Tq + t${i}] = select(0.0, most[${i}] + log2(max(sum[${i}], 1e-30)), sum[${i}] > 0.0); }
#endif
  }
#end
}
