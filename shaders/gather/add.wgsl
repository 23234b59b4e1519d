// x[t] += features[index[t], column4 …] where index[t] ≥ 0: one DeepStack level added to image tokens, in place.
struct Params { rows: u32, c4: u32, stride4: u32, column4: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> features: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> index: array<i32>;
@group(0) @binding(3) var<storage, read_write> x: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let n = (group.y * groups.x + group.x) * 64u + local;
  let row = n / p.c4;
  if (row >= p.rows) { return; }
  let f = index[row];
  if (f < 0) { return; }
  x[n] += features[u32(f) * p.stride4 + p.column4 + n % p.c4];
}
