// Flash attention, backward towards keys and values: dv_j = Σ_t w_tj · dO_t,  dk_j = scale · Σ_t ds_tj · q_t
// A tile's rows are neighbouring keys of one kv head; its columns are the queries that may see them, in every head of the
// group. A workgroup sums a key's gradient over all heads of the group, or with SPLIT over `share` of them, into a part of
// its own that key-sum.wgsl adds up: in a fixed order, so there are no atomics and reruns agree to the bit.
// keyRanges[j] = [q0, q1) holds every query that sees key j; each query's own ranges still decide.
struct Params { slice: u32, eight: u32, products: u32, rows: u32, Tq: u32, Tk: u32, heads: u32, group: u32, qStride: u32, kStride: u32, vStride: u32, qOffset: u32, kOffset: u32, vOffset: u32, scale: f32, scaleLog2: f32, accumulateK: u32, accumulateV: u32, share: u32, quads: u32 }
#include attention-gradient-bindings

// Quads by row and column.
fn left(product: u32, at: vec2<u32>) -> vec4<f32> {
  if (product == 0u) { return k[p.kOffset + at.x * p.kStride + at.y]; }
  return v[p.vOffset + at.x * p.vStride + at.y];
}
fn right(product: u32, at: vec2<u32>) -> vec4<f32> {
  if (product == 0u) { return q[p.qOffset + at.x * p.qStride + at.y]; }
  return dO[at.x * p.heads * ${QUADS}u + at.y];
}
fn mixed(mix: u32, at: vec2<u32>) -> vec4<f32> {
  if (mix == 0u) { return dO[at.x * p.heads * ${QUADS}u + at.y]; }
  return q[p.qOffset + at.x * p.qStride + at.y];
}

#include attention-tiles
  let kvColumn = tile.y * ${QUADS}u;
  let firstKey = tile.x * ${16 * TM}u;
#for i in 0..TM
  let key${i} = firstKey + ty * ${TM}u + ${i}u;
#for c in 0..COLUMNS
  var o${i}_${c} = vec4<f32>();
  var other${i}_${c} = vec4<f32>();
#end
#end
#for n in 0..TM/2
  let leftAt${n} = vec2<u32>(min(firstKey + local / 4u + ${32 * n}u, p.Tk - 1u), kvColumn);
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

  let firstHead = tile.y * p.group + tile.z * p.share;
  for (var head = firstHead; head < firstHead + p.share; head++) {
    let column = head * ${QUADS}u;
    for (var base = first; base < to; base += 32u) {
      let rightAt = vec2<u32>(min(base + local / 4u, to - 1u), column);
#include attention-scores
#for j in 0..4
      let t${j} = base + tx + ${8 * j}u;
      let r${j} = 2u * (head * p.Tq + min(t${j}, to - 1u));
      let range${j} = rows[r${j}];
      let known${j} = bitcast<vec2<f32>>(rows[r${j} + 1u].xy);
      var w${j} = vec${TM}<f32>();
      var ds${j} = vec${TM}<f32>();
#for i in 0..TM
      if (t${j} < to && ((key${i} >= range${j}.x && key${i} < range${j}.y) || (key${i} >= range${j}.z && key${i} < range${j}.w))) {
        w${j}[${i}] = exp2(min(s${i}_${j} * p.scaleLog2 - known${j}.x, 1.0));
        ds${j}[${i}] = w${j}[${i}] * (dw${i}_${j} - known${j}.y);
      }
#end
#end
      // Towards values, then towards keys, by the same code: the sums of the two change places.
      for (var mix = 0u; mix < ${TWO}; mix++) {
#include attention-tile-mixed
#for j in 0..4
        w${j} = ds${j};
#end
#for i in 0..TM
#for c in 0..COLUMNS
        {
          let sum = o${i}_${c};
          o${i}_${c} = other${i}_${c};
          other${i}_${c} = sum;
        }
#end
#end
      }
    }
  }

  for (var i = 0u; i < p.rows; i++) {
    var key = key0;
#for c in 0..COLUMNS
    var y${c} = o0_${c};
    var x${c} = other0_${c};
#end
#for i in 1..TM
    if (i == ${i}u) {
      key = key${i};
#for c in 0..COLUMNS
      y${c} = o${i}_${c};
      x${c} = other${i}_${c};
#end
    }
#end
    if (key < p.Tk) {
#if SPLIT
      // parts [parts, Tk, 2, kvHeads · headDim]: towards keys, then towards values.
      let at = (tile.z * p.Tk + key) * 2u * p.quads + kvColumn + tx;
#for c in 0..COLUMNS
      if (tx + ${8 * c}u < ${QUADS}u) {
        dk[at + ${8 * c}u] = x${c} * p.scale;
        dk[at + p.quads + ${8 * c}u] = y${c};
      }
#end
#else
      let atK = p.kOffset + key * p.kStride + kvColumn + tx;
      let atV = p.vOffset + key * p.vStride + kvColumn + tx;
#for c in 0..COLUMNS
      if (tx + ${8 * c}u < ${QUADS}u) {
        x${c} *= p.scale;
        if (p.accumulateK != 0u) { x${c} += dk[atK + ${8 * c}u]; }
        dk[atK + ${8 * c}u] = x${c};
        if (p.accumulateV != 0u) { y${c} += ${DV}[atV + ${8 * c}u]; }
        ${DV}[atV + ${8 * c}u] = y${c};
      }
#end
#endif
    }
  }
}
