// dx (+)= rstd · (g − mean(g) − x̂ · mean(g∘x̂)), g = w∘dy, x̂ = (x − mean)·rstd. Weight and bias are frozen.
#if SUBGROUPS
enable subgroups;
#endif
struct Params { rows: u32, columns: u32, accumulate: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> stats: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read> dy: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> dx: array<vec4<f32>>;
#include lanes

@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  laneIndex = local;
  let row = group.y * groups.x + group.x;
  if (row >= p.rows) { return; }
  let c4 = p.columns / 4u;
  let base = row * c4;
  let mean = stats[row].x;
  let rstd = stats[row].y;
  let ones = vec4<f32>(1.0);
  var sum = 0.0;
  var along = 0.0;
  for (var c = local; c < c4; c += ${LANES}u) {
    let g = weight[c] * dy[base + c];
    sum += dot(g, ones);
    along += dot(g, (x[base + c] - mean) * rstd);
  }
  let meanG = lanesAdd(sum) / f32(p.columns);
  let meanAlong = lanesAdd(along) / f32(p.columns);
  for (var c = local; c < c4; c += ${LANES}u) {
    let at = base + c;
    var v = rstd * (weight[c] * dy[at] - meanG - (x[at] - mean) * (rstd * meanAlong));
    if (p.accumulate != 0u) { v += dx[at]; }
    dx[at] = v;
  }
}
