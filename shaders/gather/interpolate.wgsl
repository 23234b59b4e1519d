// y[t] = Σ shares[t, k] · w[rows[t, k]] over four rows: a table of positions read between its entries.
#include weights
struct Params { rows: u32, c4: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> w: array<${W}>;
@group(0) @binding(2) var<storage, read> corners: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> shares: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let n = (group.y * groups.x + group.x) * 64u + local;
  let row = n / p.c4;
  if (row >= p.rows) { return; }
  let c = n % p.c4;
  let at = corners[row];
  let share = shares[row];
  y[n] = share.x * weightAt(at.x * p.c4 + c) + share.y * weightAt(at.y * p.c4 + c)
    + share.z * weightAt(at.z * p.c4 + c) + share.w * weightAt(at.w * p.c4 + c);
}
