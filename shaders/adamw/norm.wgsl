// Σ x², in two deterministic passes: PARTIAL leaves one sum per workgroup, the second adds those up.
#if SUBGROUPS
enable subgroups;
#endif
struct Params { n: u32, stride: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
#include lanes

@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  laneIndex = local;
  var sum = 0.0;
  for (var i = group.x * ${LANES}u + local; i < p.n; i += p.stride) {
#if PARTIAL
    sum += x[i] * x[i];
#else
    sum += x[i];
#endif
  }
  sum = lanesAdd(sum);
  if (local == 0u) { y[group.x] = sum; }
}
