// y [N, K] = w [N, K] + scale · b [first + N, R] · a [R, K]: an adapter folded into (rows first … of) a frozen weight.
#include weights
struct Params { N: u32, K4: u32, R: u32, scale: f32, first: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> w: array<${W}>;
@group(0) @binding(2) var<storage, read> a: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> b: array<f32>;
#if OUT_F16
@group(0) @binding(4) var<storage, read_write> y: array<vec2<u32>>;
#else
@group(0) @binding(4) var<storage, read_write> y: array<vec4<f32>>;
#endif

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  if (i >= p.N * p.K4) { return; }
  let n = i / p.K4;
  let k = i % p.K4;
  var sum = vec4<f32>();
  for (var r = 0u; r < p.R; r++) { sum += b[(p.first + n) * p.R + r] * a[r * p.K4 + k]; }
  let merged = weightAt(i) + p.scale * sum;
#if OUT_F16
  y[i] = vec2<u32>(pack2x16float(merged.xy), pack2x16float(merged.zw));
#else
  y[i] = merged;
#endif
}
