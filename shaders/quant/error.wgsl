// What quantising lost: each of INVOCATIONS invocations adds Σ (ŵ − w)², Σ w² and max |ŵ − w| of its share to its sums.
#include weights
struct Params { count: u32, first: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> values: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> w: array<${W}>;
@group(0) @binding(3) var<storage, read> scales: array<u32>;
@group(0) @binding(4) var<storage, read_write> sums: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let own = group.x * 64u + local;
  var squares = 0.0;
  var reference = 0.0;
  var most = vec4<f32>();
  for (var i = own; i < p.count; i += ${INVOCATIONS}u) {
    let v = values[i];
    let e = weightAt(p.first + i) - v;
    squares += dot(e, e);
    reference += dot(v, v);
    most = max(most, abs(e));
  }
  let before = sums[own];
  let largest = max(max(most.x, most.y), max(most.z, most.w));
  sums[own] = vec4<f32>(before.x + squares, before.y + reference, max(before.z, largest), 0.0);
}
