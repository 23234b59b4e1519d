// Columns of a wider matrix: y[t, column4 …] = x[t] (INTO), or x[t] (+)= y[t, column4 …].
struct Params { rows: u32, c4: u32, stride4: u32, column4: u32, accumulate: u32 }
@group(0) @binding(0) var<uniform> p: Params;
#if INTO
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;
#else
@group(0) @binding(1) var<storage, read_write> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> y: array<vec4<f32>>;
#endif

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let n = (group.y * groups.x + group.x) * 64u + local;
  let row = n / p.c4;
  if (row >= p.rows) { return; }
  let at = row * p.stride4 + p.column4 + n % p.c4;
#if INTO
  y[at] = x[n];
#else
  var v = y[at];
  if (p.accumulate != 0u) { v += x[n]; }
  x[n] = v;
#endif
}
