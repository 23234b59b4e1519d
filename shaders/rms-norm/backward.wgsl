// dx (+)= rstd · (w∘dy − x̂ · mean(w∘dy∘x̂)), x̂ = x·rstd. The weight is frozen.
#if SUBGROUPS
enable subgroups;
#endif
struct Params { rows: u32, columns: u32, accumulate: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> rstd: array<f32>;
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
  let r = rstd[row];
  var sum = 0.0;
  for (var c = local; c < c4; c += ${LANES}u) { sum += dot(weight[c] * dy[base + c], x[base + c]); }
  let mean = lanesAdd(sum) * r / f32(p.columns);
  for (var c = local; c < c4; c += ${LANES}u) {
    let at = base + c;
    var g = r * (weight[c] * dy[at] - x[at] * (r * mean));
    if (p.accumulate != 0u) { g += dx[at]; }
    dx[at] = g;
  }
}
