// All three products, for GPUs: a workgroup of 16 × 16 invocations computes 16·TM rows × 64·TC columns, TM × 4·TC of
// them each in named registers. Tiles of x and w, 4·DEPTH steps of the sum deep, are staged in workgroup memory while the
// next ones are on their way to registers: one vec4 of each an invocation, so TM·DEPTH is at most 16 and TC·DEPTH 4. Tiles
// lie as they do in memory: nothing is transposed, loads are vec4 and coalesced. Of x·wᵀ and x·w an invocation has every
// 16th row, and of x·wᵀ every 16th column, so that neighbours read workgroup memory without conflicts. Past the edge,
// tiles hold zeros and nothing is stored. TN wants TM 4 or 8.
#include product

// Rows of DEPTH vec4 along the sum, one more against bank conflicts; or 4·DEPTH steps of vec4s along rows or columns.
#if TN
var<workgroup> xs: array<vec4<f32>, ${16 * TM * DEPTH}>;
#else
var<workgroup> xs: array<vec4<f32>, ${16 * TM * (DEPTH + 1)}>;
#endif
#if NT
var<workgroup> ws: array<vec4<f32>, ${64 * TC * (DEPTH + 1)}>;
#else
var<workgroup> ws: array<vec4<f32>, ${64 * TC * DEPTH}>;
#endif

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) group: vec3<u32>) {
  let tx = local % 16u;
  let ty = local / 16u;
  let row0 = group.y * ${16 * TM}u;
  let col0 = group.x * ${64 * TC}u;
#for i in 0..TM
#if NT
#for j in 0..4*TC
  var c${i}_${j} = 0.0;
#end
#else
#for j in 0..TC
  var c${i}_${j} = vec4<f32>();
#end
#endif
#end

#for phase in 0..1+LORA
  {
    let first = begin${phase}(group.z);
    let end = end${phase}(group.z);
    var nextX = vec4<f32>();
    var nextW = vec4<f32>();
    // Each turn computes the tile fetched in the turn before, so there is one more turn than tiles.
    for (var k = first; k < end + ${4 * DEPTH}u; k += ${4 * DEPTH}u) {
      if (k > first) {
        workgroupBarrier();
#if TN
        if (local < ${16 * TM * DEPTH}u) { xs[local] = nextX; }
#else
        if (local < ${16 * TM * DEPTH}u) { xs[(local / ${DEPTH}u) * ${DEPTH + 1}u + local % ${DEPTH}u] = nextX; }
#endif
#if NT
        if (local < ${64 * TC * DEPTH}u) { ws[(local / ${DEPTH}u) * ${DEPTH + 1}u + local % ${DEPTH}u] = nextW; }
#else
        if (local < ${64 * TC * DEPTH}u) { ws[local] = nextW; }
#endif
        workgroupBarrier();
      }
#if TN
      if (local < ${16 * TM * DEPTH}u) { nextX = leftWithin${phase}(row0 + 4u * (local % ${4 * TM}u), k + local / ${4 * TM}u, end); }
#else
      if (local < ${16 * TM * DEPTH}u) { nextX = leftWithin${phase}(row0 + local / ${DEPTH}u, k + 4u * (local % ${DEPTH}u), end); }
#endif
#if NT
      if (local < ${64 * TC * DEPTH}u) { nextW = rightWithin${phase}(col0 + local / ${DEPTH}u, k + 4u * (local % ${DEPTH}u), end); }
#else
      if (local < ${64 * TC * DEPTH}u) { nextW = rightWithin${phase}(col0 + 4u * (local % ${16 * TC}u), k + local / ${16 * TC}u, end); }
#endif
      if (k > first) {
#if TN
        for (var s = 0u; s < ${4 * DEPTH}u; s++) {
#for i in 0..TM/4
          let x${i} = xs[s * ${4 * TM}u + ${16 * i}u + ty];
#end
#for j in 0..TC
          let w${j} = ws[s * ${16 * TC}u + ${16 * j}u + tx];
#for i in 0..TM
          c${i}_${j} = fma(vec4<f32>(x${i / 4}[${i % 4}]), w${j}, c${i}_${j});
#end
#end
        }
#else
        for (var s = 0u; s < ${DEPTH}u; s++) {
#for i in 0..TM
          let x${i} = xs[(ty + ${16 * i}u) * ${DEPTH + 1}u + s];
#end
#if NT
#for j in 0..4*TC
          let w${j} = ws[(tx + ${16 * j}u) * ${DEPTH + 1}u + s];
#for q in 0..4
#for i in 0..TM
          c${i}_${j} = fma(x${i}[${q}], w${j}[${q}], c${i}_${j});
#end
#end
#end
#else
#for q in 0..4
#for j in 0..TC
          let w${q}_${j} = ws[(4u * s + ${q}u) * ${16 * TC}u + ${16 * j}u + tx];
#for i in 0..TM
          c${i}_${j} = fma(vec4<f32>(x${i}[${q}]), w${q}_${j}, c${i}_${j});
#end
#end
#end
#endif
        }
#endif
      }
    }
  }
#if phase == 0 && (!NT || LORA)
#for i in 0..TM
#if NT
#for j in 0..4*TC
  c${i}_${j} *= p.scale;
#end
#else
#for j in 0..TC
  c${i}_${j} *= p.scale;
#end
#endif
#end
#endif
#end

#for i in 0..TM
  {
#if TN
    let row = row0 + ${i / 4 * 64 + i % 4}u + 4u * ty;
#else
    let row = row0 + ${16 * i}u + ty;
#endif
    if (row < p.rows) {
#if NT
#for j in 0..4*TC
      if (col0 + tx + ${16 * j}u < p.cols) { store(row, col0 + tx + ${16 * j}u, c${i}_${j}); }
#end
#else
#for j in 0..TC
      if (col0 + ${64 * j}u + 4u * tx < p.cols) { store4(row, col0 + ${64 * j}u + 4u * tx, group.z, c${i}_${j}); }
#end
#endif
    }
  }
#end
}
