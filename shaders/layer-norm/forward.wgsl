// y = (x − mean) · rstd · weight + bias, one row a workgroup; mean and rstd are kept for the backward pass. Two passes
// over the row: the variance about the mean loses nothing where the mean is far from zero.
#if SUBGROUPS
enable subgroups;
#endif
struct Params { rows: u32, columns: u32, eps: f32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> stats: array<vec2<f32>>;
#include lanes

@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  laneIndex = local;
  let row = group.y * groups.x + group.x;
  if (row >= p.rows) { return; }
  let c4 = p.columns / 4u;
  let base = row * c4;
  let ones = vec4<f32>(1.0);
  var sum = 0.0;
  for (var c = local; c < c4; c += ${LANES}u) { sum += dot(x[base + c], ones); }
  let mean = lanesAdd(sum) / f32(p.columns);
  var squares = 0.0;
  for (var c = local; c < c4; c += ${LANES}u) {
    let v = x[base + c] - mean;
    squares += dot(v, v);
  }
  let rstd = inverseSqrt(lanesAdd(squares) / f32(p.columns) + p.eps);
  if (local == 0u) { stats[row] = vec2<f32>(mean, rstd); }
  for (var c = local; c < c4; c += ${LANES}u) { y[base + c] = (x[base + c] - mean) * rstd * weight[c] + bias[c]; }
}
