// y[t] = features[feature[t]] where feature[t] ≥ 0, else table[tokens[t]]: text embeddings with image features in
// the places of image tokens. Feature rows may be wider than c4 (stride4).
#include half
struct Params { rows: u32, c4: u32, stride4: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> tokens: array<u32>;
#if WEIGHT_F16
@group(0) @binding(2) var<storage, read> table: array<vec2<u32>>;
#else
@group(0) @binding(2) var<storage, read> table: array<vec4<f32>>;
#endif
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>;
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
  y[n] = weight4(table[tokens[row] * p.c4 + c]);
}
