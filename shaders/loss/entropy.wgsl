// An entropy bonus on top of a token's loss, each token by a share of its own: L −= share·H, and dH = −share.
struct Params { n: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> entropy: array<f32>;
@group(0) @binding(2) var<storage, read> share: array<f32>;
@group(0) @binding(3) var<storage, read_write> terms: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> dentropy: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let s = group.x * 64u + local;
  if (s >= p.n) { return; }
  terms[s].x -= share[s] * entropy[s];
  dentropy[s] = -share[s];
}
