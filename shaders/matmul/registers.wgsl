// All three products for GPUs whose caches do what tiles in workgroup memory would: a workgroup of 8 × 8 invocations
// computes 8·TM rows × 32 columns, TM × 4 each in named registers, and each invocation loads what it needs by itself.
// No barrier, no workgroup memory. Past the edge, loads are clamped and nothing is stored. TN wants TM 4.
#include product

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) group: vec3<u32>) {
  let tx = local % 8u;
  let row = group.y * ${8 * TM}u + local / 8u * ${TM}u;
#if TN
  // Four rows lie in one vec4.
  let rows = min(row, p.rows - 4u);
#else
#for i in 0..TM
  let row${i} = min(row + ${i}u, p.rows - 1u);
#end
#endif
#if NT
#for j in 0..4
  let col${j} = group.x * 32u + ${8 * j}u + tx;
  let at${j} = min(col${j}, p.cols - 1u);
#end
#else
  let col = group.x * 32u + 4u * tx;
  let at = min(col, p.cols - 4u);
#endif
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
#if TN
    for (var k = first; k < end; k++) {
      let xv = left${phase}(rows, k);
      let wv = right${phase}(at, k);
#for i in 0..TM
      c${i} = fma(vec4<f32>(xv[${i}]), wv, c${i});
#end
    }
#else
    for (var k = first; k < end; k += 4u) {
#for i in 0..TM
      let x${i} = left${phase}(row${i}, k);
#end
#for q in 0..4
#if NT
      let w${q} = right${phase}(at${q}, k);
#for i in 0..TM
      c${i}_${q} += dot(x${i}, w${q});
#end
#else
      let w${q} = right${phase}(at, k + ${q}u);
#for i in 0..TM
      c${i} = fma(vec4<f32>(x${i}[${q}]), w${q}, c${i});
#end
#endif
#end
    }
#endif
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
  if (row + ${i}u < p.rows) {
#if NT
#for j in 0..4
    if (col${j} < p.cols) { store(row + ${i}u, col${j}, c${i}_${j}); }
#end
#else
    if (col < p.cols) { store4(row + ${i}u, col, group.z, c${i}); }
#endif
  }
#end
}
