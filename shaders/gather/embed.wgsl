// y[t] = features[feature[t]] where feature[t] ≥ 0, else w[tokens[t]]: text embeddings with image features in the
// places of image tokens. Feature rows may be wider than c4 (stride4). w may be some rows of the table, first …
// first + count: other tokens are left as they are.
#include weights
struct Params { rows: u32, c4: u32, stride4: u32, first: u32, count: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> tokens: array<u32>;
@group(0) @binding(2) var<storage, read> w: array<${W}>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>;
#if BITS <= 8
@group(0) @binding(6) var<storage, read> scales: array<u32>;
#endif
#if FEATURES
@group(0) @binding(4) var<storage, read> features: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> feature: array<i32>;
#endif

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let n = (group.y * groups.x + group.x) * 64u + local;
  let row = n / p.c4;
  if (row >= p.rows) { return; }
  let c = n % p.c4;
#if FEATURES
  let f = feature[row];
  if (f >= 0) {
    y[n] = features[u32(f) * p.stride4 + c];
    return;
  }
#endif
  let token = tokens[row] - p.first;
  if (token < p.count) { y[n] = weightAt(token * p.c4 + c); }
}
