// All three products, for GPUs: a workgroup of 16 × 16 invocations computes 16·TM rows × 64 columns, TM × 4 each in
// named registers. Tiles of x and w, 16 steps of the sum deep, are staged in workgroup memory while the next ones are
// on their way to registers. Tiles lie as they do in memory: nothing is transposed, loads are vec4 and coalesced.
// Past the edge, tiles hold zeros and nothing is stored. TN wants TM 4.
#include product

// Rows of 4 vec4 along the sum, padded to 5 against bank conflicts; or 16 steps of vec4s along rows or columns.
#if TN
var<workgroup> xs: array<vec4<f32>, 256>;
#else
var<workgroup> xs: array<vec4<f32>, ${16 * TM * 5}>;
#endif
#if NT
var<workgroup> ws: array<vec4<f32>, 320>;
#else
var<workgroup> ws: array<vec4<f32>, 256>;
#endif

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) group: vec3<u32>) {
  let tx = local % 16u;
  let ty = local / 16u;
  let row0 = group.y * ${16 * TM}u;
  let col0 = group.x * 64u;
#for i in 0..TM
#if NT
#for j in 0..4
  var c${i}_${j} = 0.0;
#end
#else
  var c${i} = vec4<f32>();
#endif
#end

#for phase in 0..1+LORA
  {
    let first = begin${phase}(group.z);
    let end = end${phase}(group.z);
    var nextX = vec4<f32>();
    var nextW = vec4<f32>();
    // Each turn computes the tile fetched in the turn before, so there is one more turn than tiles.
    for (var k = first; k < end + 16u; k += 16u) {
      if (k > first) {
        workgroupBarrier();
#if TN
        xs[local] = nextX;
#else
        if (local < ${64 * TM}u) { xs[(local / 4u) * 5u + local % 4u] = nextX; }
#endif
#if NT
        ws[(local / 4u) * 5u + local % 4u] = nextW;
#else
        ws[local] = nextW;
#endif
        workgroupBarrier();
      }
#if TN
      nextX = leftWithin${phase}(row0 + 4u * tx, k + ty, end);
#else
      if (local < ${64 * TM}u) { nextX = leftWithin${phase}(row0 + local / 4u, k + 4u * (local % 4u), end); }
#endif
#if NT
      nextW = rightWithin${phase}(col0 + local / 4u, k + 4u * (local % 4u), end);
#else
      nextW = rightWithin${phase}(col0 + 4u * tx, k + ty, end);
#endif
      if (k > first) {
#if TN
        for (var s = 0u; s < 16u; s++) {
          let xv = xs[s * 16u + ty];
          let wv = ws[s * 16u + tx];
#for i in 0..TM
          c${i} += xv[${i}] * wv;
#end
        }
#else
        for (var s = 0u; s < 4u; s++) {
#for i in 0..TM
          let x${i} = xs[(ty * ${TM}u + ${i}u) * 5u + s];
#end
#for q in 0..4
#if NT
          let w${q} = ws[(tx + ${16 * q}u) * 5u + s];
#for i in 0..TM
          c${i}_${q} += dot(x${i}, w${q});
#end
#else
          let w${q} = ws[(4u * s + ${q}u) * 16u + tx];
#for i in 0..TM
          c${i} += x${i}[${q}] * w${q};
#end
#endif
#end
        }
#endif
      }
    }
  }
#if phase == 0 && (!NT || LORA)
#for i in 0..TM
#if NT
#for j in 0..4
  c${i}_${j} *= p.scale;
#end
#else
  c${i} *= p.scale;
#endif
#end
#endif
#end

#for i in 0..TM
  if (row0 + ty * ${TM}u + ${i}u < p.rows) {
    let row = row0 + ty * ${TM}u + ${i}u;
#if NT
#for j in 0..4
    if (col0 + tx + ${16 * j}u < p.cols) { store(row, col0 + tx + ${16 * j}u, c${i}_${j}); }
#end
#else
    if (col0 + 4u * tx < p.cols) { store4(row, col0 + 4u * tx, group.z, c${i}); }
#endif
  }
#end
}
