// Flash attention, backward towards keys and values: dv_j = Σ_t w_tj · dO_t,  dk_j = scale · Σ_t ds_tj · q_t
// A tile's rows are neighbouring keys of one kv head; its columns are the queries that may see them, in every head of the
// group. One workgroup sums all of a key's gradient in a fixed order, so there are no atomics and reruns agree to the bit.
// keyRanges[j] = [q0, q1) holds every query that sees key j; each query's own ranges still decide.
struct Params { Tq: u32, Tk: u32, heads: u32, group: u32, qStride: u32, kStride: u32, vStride: u32, qOffset: u32, kOffset: u32, vOffset: u32, scale: f32, scaleLog2: f32, accumulateK: u32, accumulateV: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> q: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> k: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> v: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> dO: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> rows: array<vec4<u32>>;
@group(0) @binding(6) var<storage, read> keyRanges: array<vec2<u32>>;
@group(0) @binding(7) var<storage, read_write> dk: array<vec4<f32>>;
#if DV_APART
@group(0) @binding(8) var<storage, read_write> dv: array<vec4<f32>>;
#endif

fn left0(at: u32, quad: u32) -> vec4<f32> { return k[at + min(quad, ${QUADS - 1}u)]; }
fn left1(at: u32, quad: u32) -> vec4<f32> { return v[at + min(quad, ${QUADS - 1}u)]; }
fn right0(at: u32, quad: u32) -> vec4<f32> { return select(vec4<f32>(), q[at + min(quad, ${QUADS - 1}u)], quad < ${QUADS}u); }
fn right1(at: u32, quad: u32) -> vec4<f32> { return select(vec4<f32>(), dO[at + min(quad, ${QUADS - 1}u)], quad < ${QUADS}u); }
fn mixed0(row: u32, quad: u32, column: u32) -> vec4<f32> { return dO[row * p.heads * ${QUADS}u + column + quad]; }
fn mixed1(row: u32, quad: u32, column: u32) -> vec4<f32> { return q[p.qOffset + row * p.qStride + column + quad]; }

#include attention-tiles
  let kvColumn = tile.y * ${QUADS}u;
  let firstKey = tile.x * ${16 * TM}u;
#for i in 0..TM
  let key${i} = firstKey + ty * ${TM}u + ${i}u;
#for c in 0..COLUMNS
  var o0_${i}_${c} = vec4<f32>();
  var o1_${i}_${c} = vec4<f32>();
#end
#end
#for n in 0..TM/2
  let staged${n} = min(firstKey + local / 4u + ${32 * n}u, p.Tk - 1u);
  let leftAt0_${n} = p.kOffset + staged${n} * p.kStride + kvColumn;
  let leftAt1_${n} = p.vOffset + staged${n} * p.vStride + kvColumn;
#end
  var first = 0xffffffffu;
  var to = 0u;
  for (var i = firstKey; i < min(firstKey + ${16 * TM}u, p.Tk); i++) {
    let range = keyRanges[i];
    if (range.x < range.y) {
      first = min(first, range.x);
      to = max(to, min(range.y, p.Tq));
    }
  }

  for (var head = tile.y * p.group; head < (tile.y + 1u) * p.group; head++) {
    let column0 = head * ${QUADS}u;
    let column1 = column0;
    for (var base = first; base < to; base += 32u) {
      let staged = min(base + local / 4u, to - 1u);
      let rightAt0 = p.qOffset + staged * p.qStride + column1;
      let rightAt1 = staged * p.heads * ${QUADS}u + column0;
#for part in 0..2
#include attention-scores
#end
#for j in 0..4
      let t${j} = base + tx + ${8 * j}u;
      let r${j} = 2u * (head * p.Tq + min(t${j}, to - 1u));
      let range${j} = rows[r${j}];
      let known${j} = bitcast<vec2<f32>>(rows[r${j} + 1u].xy);
      var w0_${j} = vec${TM}<f32>();
      var w1_${j} = vec${TM}<f32>();
#for i in 0..TM
      if (t${j} < to && ((key${i} >= range${j}.x && key${i} < range${j}.y) || (key${i} >= range${j}.z && key${i} < range${j}.w))) {
        w0_${j}[${i}] = exp2(min(s0_${i}_${j} * p.scaleLog2 - known${j}.x, 1.0));
        w1_${j}[${i}] = w0_${j}[${i}] * (s1_${i}_${j} - known${j}.y);
      }
#end
#end
#for mix in 0..2
#include attention-tile-mixed
#end
    }
  }

#for i in 0..TM
  if (key${i} < p.Tk) {
    let atK = p.kOffset + key${i} * p.kStride + kvColumn + tx;
    let atV = p.vOffset + key${i} * p.vStride + kvColumn + tx;
#for c in 0..COLUMNS
    if (tx + ${8 * c}u < ${QUADS}u) {
      var x = o1_${i}_${c} * p.scale;
      var y = o0_${i}_${c};
      if (p.accumulateK != 0u) { x += dk[atK + ${8 * c}u]; }
      dk[atK + ${8 * c}u] = x;
      if (p.accumulateV != 0u) { y += ${DV}[atV + ${8 * c}u]; }
      ${DV}[atV + ${8 * c}u] = y;
    }
#end
  }
#end
}
