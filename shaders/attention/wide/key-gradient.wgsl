#if SUBGROUPS
enable subgroups;
diagnostic(off, subgroup_uniformity);
#endif
// Flash attention, backward towards keys and values: dv_j = Σ_t w_tj · dO_t,  dk_j = scale · Σ_t ds_tj · q_t
// A workgroup has KEYS neighbouring keys of one kv head and walks the queries that may see them, in every head of the
// group. A lane owns a query while scores are made, and columns of dk and dv while they are summed. One workgroup sums
// all of a key's gradient in a fixed order, so there are no atomics and reruns agree to the bit.
// keyRanges[j] = [q0, q1) holds every query that sees key j; each query's own ranges still decide.
struct Params { Tq: u32, Tk: u32, heads: u32, group: u32, qStride: u32, kStride: u32, vStride: u32, qOffset: u32, kOffset: u32, vOffset: u32, scale: f32, scaleLog2: f32, accumulateK: u32, accumulateV: u32 }
#include attention-gradient-bindings
#if !SUBGROUPS
var<workgroup> weights: array<vec2<f32>, ${KEYS * QUERIES * LANES}>;
#endif

#include attention-main
  let kvColumn = tile.y * ${D / 4}u;
  var first = 0xffffffffu;
  var to = 0u;
#for i in 0..KEYS
  let j${i} = tile.x * ${KEYS}u + ${i}u;
  let c${i} = min(j${i}, p.Tk - 1u);
  let k${i} = p.kOffset + c${i} * p.kStride + kvColumn;
  let v${i} = p.vOffset + c${i} * p.vStride + kvColumn;
  {
    let range = keyRanges[c${i}];
    if (range.x < range.y) {
      first = min(first, range.x);
      to = max(to, min(range.y, p.Tq));
    }
  }
#for c in 0..COLUMNS
  var dk${i}_${c} = ${VECTOR}();
  var dv${i}_${c} = ${VECTOR}();
#end
#end

  for (var head = tile.y * p.group; head < (tile.y + 1u) * p.group; head++) {
    let column = head * ${D / 4}u;
    for (var base = first; base < to; base += ${LANES * QUERIES}u) {
#for n in 0..QUERIES
      let t${n} = base + ${n * LANES}u + lane;
      let r${n} = min(t${n}, to - 1u);
      let q${n} = p.qOffset + r${n} * p.qStride + column;
      let g${n} = (r${n} * p.heads) * ${D / 4}u + column;
#for i in 0..KEYS
      var s${i}_${n} = 0.0;
      var dw${i}_${n} = 0.0;
#end
#end
      for (var d = 0u; d < ${D / 4}u; d++) {
#for n in 0..QUERIES
        let qv${n} = q[q${n} + d];
        let gv${n} = dO[g${n} + d];
#end
#for i in 0..KEYS
        let kv${i} = k[k${i} + d];
        let vv${i} = v[v${i} + d];
#for n in 0..QUERIES
        s${i}_${n} += dot(qv${n}, kv${i});
        dw${i}_${n} += dot(gv${n}, vv${i});
#end
#end
      }
#for n in 0..QUERIES
      let range${n} = rows[2u * (head * p.Tq + r${n})];
      let known${n} = bitcast<vec2<f32>>(rows[2u * (head * p.Tq + r${n}) + 1u].xy);
#for i in 0..KEYS
      let ok${i}_${n} = t${n} < to && ((j${i} >= range${n}.x && j${i} < range${n}.y) || (j${i} >= range${n}.z && j${i} < range${n}.w));
      let w${i}_${n} = select(0.0, exp2(min(s${i}_${n} * p.scaleLog2 - known${n}.x, 1.0)), ok${i}_${n});
      let ds${i}_${n} = w${i}_${n} * (dw${i}_${n} - known${n}.y);
#end
#end
#if !SUBGROUPS
      workgroupBarrier();
#for i in 0..KEYS
#for n in 0..QUERIES
      weights[${(i * QUERIES + n) * LANES}u + lane] = vec2<f32>(w${i}_${n}, ds${i}_${n});
#end
#end
      workgroupBarrier();
#endif
      for (var t = 0u; t < ${LANES}u; t++) {
#for n in 0..QUERIES
        {
          let row = min(base + ${n * LANES}u + t, to - 1u);
          let qRow = p.qOffset + row * p.qStride + column;
          let gRow = (row * p.heads) * ${D / 4}u + column;
#for c in 0..COLUMNS
#if VW == 4
          let x${c} = q[qRow + ${c * LANES}u + lane];
          let y${c} = dO[gRow + ${c * LANES}u + lane];
#else
          let at${c} = min(${c * LANES}u + lane, ${D - 1}u);
          let x${c} = q[qRow + at${c} / 4u][at${c} % 4u];
          let y${c} = dO[gRow + at${c} / 4u][at${c} % 4u];
#endif
#end
#for i in 0..KEYS
#if SUBGROUPS
          let w${i} = subgroupShuffle(w${i}_${n}, t);
          let ds${i} = subgroupShuffle(ds${i}_${n}, t);
#else
          let both${i} = weights[${(i * QUERIES + n) * LANES}u + t];
          let w${i} = both${i}.x;
          let ds${i} = both${i}.y;
#endif
#for c in 0..COLUMNS
          dk${i}_${c} += ds${i} * x${c};
          dv${i}_${c} += w${i} * y${c};
#end
#end
        }
#end
      }
    }
  }

  // Registers are picked in a loop so that the code that touches memory stays short (software drivers compile it slowly).
  for (var i = 0u; i < ${KEYS}u; i++) {
    var atK = k0;
    var atV = v0;
#for c in 0..COLUMNS
    var x${c} = dk0_${c};
    var y${c} = dv0_${c};
#end
#for i in 1..KEYS
    if (i == ${i}u) {
      atK = k${i};
      atV = v${i};
#for c in 0..COLUMNS
      x${c} = dk${i}_${c};
      y${c} = dv${i}_${c};
#end
    }
#end
    if (tile.x * ${KEYS}u + i < p.Tk) {
#for c in 0..COLUMNS
      {
        var x = x${c} * p.scale;
        var y = y${c};
        let column = ${c * LANES}u + lane;
#if VW == 4
        if (p.accumulateK != 0u) { x += dk[atK + column]; }
        dk[atK + column] = x;
        if (p.accumulateV != 0u) { y += ${DV}[atV + column]; }
        ${DV}[atV + column] = y;
#else
        if (column < ${D}u) {
          let part = column % 4u;
          if (p.accumulateK != 0u) { x += dk[atK + column / 4u][part]; }
          dk[atK + column / 4u][part] = x;
          if (p.accumulateV != 0u) { y += ${DV}[atV + column / 4u][part]; }
          ${DV}[atV + column / 4u][part] = y;
        }
#endif
      }
#end
    }
  }
}
