// y = x / sqrt(mean(x²) + eps) · weight, one row a workgroup; rstd is kept for the backward pass.
#if SUBGROUPS
enable subgroups;
#endif
struct Params { rows: u32, columns: u32, eps: f32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> rstd: array<f32>;
#include lanes

@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  laneIndex = local;
  let row = group.y * groups.x + group.x;
  if (row >= p.rows) { return; }
  let c4 = p.columns / 4u;
  let base = row * c4;
  var sum = 0.0;
  for (var c = local; c < c4; c += ${LANES}u) {
    let v = x[base + c];
    sum += dot(v, v);
  }
  let r = inverseSqrt(lanesAdd(sum) / f32(p.columns) + p.eps);
  if (local == 0u) { rstd[row] = r; }
  for (var c = local; c < c4; c += ${LANES}u) { y[base + c] = x[base + c] * r * weight[c]; }
}
