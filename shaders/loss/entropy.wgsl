// An entropy bonus on top of a token's loss, with the token's weight in it: L −= c·w·H, and dH = −c·w.
struct Params { n: u32, coefficient: f32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> entropy: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read_write> terms: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> dentropy: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let s = group.x * 64u + local;
  if (s >= p.n) { return; }
  let share = p.coefficient * weight[s];
  terms[s].x -= share * entropy[s];
  dentropy[s] = -share;
}
