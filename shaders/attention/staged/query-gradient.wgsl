// Flash attention, backward towards the queries: dq = scale · Σ_j ds_j · k_j with ds = w ∘ (dO·vᵀ − delta)
// Tiles as in forward.wgsl; no running maximum is needed since the softmax's sum is known (../rows.wgsl).
struct Params { parts: u32, Tq: u32, heads: u32, group: u32, qStride: u32, kStride: u32, vStride: u32, qOffset: u32, kOffset: u32, vOffset: u32, scale: f32, scaleLog2: f32, accumulate: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> q: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> k: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> v: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> dO: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> rows: array<vec2<u32>>;
@group(0) @binding(6) var<storage, read_write> dq: array<vec4<f32>>;

// Those of the first head: heads see the same.
fn rangeOf(query: u32, part: u32) -> vec2<u32> { return rows[4u * query + part]; }
fn left0(at: u32, quad: u32) -> vec4<f32> { return q[at + min(quad, ${QUADS - 1}u)]; }
fn left1(at: u32, quad: u32) -> vec4<f32> { return dO[at + min(quad, ${QUADS - 1}u)]; }
fn right0(at: u32, quad: u32) -> vec4<f32> { return select(vec4<f32>(), k[at + min(quad, ${QUADS - 1}u)], quad < ${QUADS}u); }
fn right1(at: u32, quad: u32) -> vec4<f32> { return select(vec4<f32>(), v[at + min(quad, ${QUADS - 1}u)], quad < ${QUADS}u); }
fn mixed0(row: u32, quad: u32, column: u32) -> vec4<f32> { return k[p.kOffset + row * p.kStride + column + quad]; }

#include attention-tiles
#include attention-tile-rows
  let column0 = kvColumn;
#for i in 0..4
  let known${i} = bitcast<vec2<f32>>(rows[4u * (head${i} * p.Tq + c${i}) + 2u]);
#end
  let lse = vec4<f32>(known0.x, known1.x, known2.x, known3.x);
  let delta = vec4<f32>(known0.y, known1.y, known2.y, known3.y);
#for n in 0..2
  let leftAt1_${n} = (query${n} * p.heads + firstHead + staged${n} % ${HEADS}u) * ${QUADS}u;
#end

  for (var part = 0u; part < p.parts; part++) {
#include attention-tile-span
    for (var base = first; base < to; base += 32u) {
      let staged = min(base + local / 4u, to - 1u);
      let rightAt0 = p.kOffset + staged * p.kStride + kvColumn;
      let rightAt1 = p.vOffset + staged * p.vStride + kvColumn;
#for part in 0..2
#include attention-scores
#end
#for j in 0..4
      let j${j} = vec4<u32>(base + tx + ${8 * j}u);
      let s${j} = vec4<f32>(s0_0_${j}, s0_1_${j}, s0_2_${j}, s0_3_${j}) * p.scaleLog2;
      let dw${j} = vec4<f32>(s1_0_${j}, s1_1_${j}, s1_2_${j}, s1_3_${j});
      // min: a masked score may lie far above the row's own maximum, and Inf must not arise even where it is dropped.
      let ds${j} = exp2(min(s${j} - lse, vec4<f32>(1.0))) * (dw${j} - delta);
      let w0_${j} = select(vec4<f32>(), ds${j}, (j${j} >= lo) & (j${j} < hi));
#end
#for mix in 0..1
#include attention-tile-mixed
#end
    }
  }

#for i in 0..4
  if (mine${i}) {
    let to = p.qOffset + t${i} * p.qStride + head${i} * ${QUADS}u + tx;
#for c in 0..COLUMNS
    if (tx + ${8 * c}u < ${QUADS}u) {
      var x = o0_${i}_${c} * p.scale;
      if (p.accumulate != 0u) { x += dq[to + ${8 * c}u]; }
      dq[to + ${8 * c}u] = x;
    }
#end
  }
#end
}
