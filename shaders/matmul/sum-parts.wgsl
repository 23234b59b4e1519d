// y [n] (+)= Σ over parts of part [parts, n], in order: the second half of a product whose sum was split.
struct Params { n4: u32, parts: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> part: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  if (i >= p.n4) { return; }
  var sum = vec4<f32>();
  for (var k = 0u; k < p.parts; k++) { sum += part[k * p.n4 + i]; }
#if ACCUMULATE
  y[i] += sum;
#else
  y[i] = sum;
#endif
}
