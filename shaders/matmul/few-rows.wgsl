// NT for a handful of rows on GPUs (decoding), at most TM. Weights are read once, by 8 neighbouring invocations a row, and
// used for every row of x; a workgroup of 64 gives 8 columns.
#include product

var<workgroup> sums: array<f32, ${64 * TM}>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) group: vec3<u32>) {
  let lane = local % 8u;
  let col = min((group.y * 65535u + group.x) * 8u + local / 8u, p.cols - 1u);
#for i in 0..TM
  let row${i} = min(${i}u, p.rows - 1u);
  var c${i} = 0.0;
#end
#for phase in 0..1+LORA
  for (var k = 4u * lane; k < end${phase}(0u); k += 32u) {
    let wv = right${phase}(col, k);
#for i in 0..TM
    c${i} += dot(left${phase}(row${i}, k), wv);
#end
  }
#if LORA && phase == 0
#for i in 0..TM
  c${i} *= p.scale;
#end
#endif
#end
#for i in 0..TM
  sums[${64 * i}u + local] = c${i};
#end
  workgroupBarrier();
  // Invocation t sums column t % 8 of row t / 8.
  let row = local / 8u;
  let out = (group.y * 65535u + group.x) * 8u + lane;
  if (row < min(p.rows, ${TM}u) && out < p.cols) {
    let start = row * 64u + lane * 8u;
    let v = ((sums[start] + sums[start + 1u]) + (sums[start + 2u] + sums[start + 3u])) + ((sums[start + 4u] + sums[start + 5u]) + (sums[start + 6u] + sums[start + 7u]));
    store(row, out, v);
  }
}
