// GATHER: y[t] = x[index[t]].  SCATTER: y[index[t]] (+)= x[t]; indices are distinct, negative ones are skipped.
struct Params { rows: u32, c4: u32, accumulate: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> index: array<i32>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let n = (group.y * groups.x + group.x) * 64u + local;
  let row = n / p.c4;
  if (row >= p.rows) { return; }
  let c = n % p.c4;
  let other = index[row];
#if SCATTER
  if (other < 0) { return; }
  let at = u32(other) * p.c4 + c;
  var v = x[n];
  if (p.accumulate != 0u) { v += y[at]; }
  y[at] = v;
#else
  y[n] = select(vec4<f32>(), x[u32(max(other, 0)) * p.c4 + c], other >= 0);
#endif
}
