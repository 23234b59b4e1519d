// Rows of f32 → NF4 codes and the largest magnitude of each 64 neighbours, one block an invocation. The code is that
// of the nearest value of w / largest; a tie goes to the lower.
#include nf4
struct Params { blocks: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> values: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> codes: array<u32>;
@group(0) @binding(3) var<storage, read_write> largest: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) counts: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let g = (group.y * counts.x + group.x) * 64u + local;
  if (g >= p.blocks) { return; }
  var top = vec4<f32>();
  for (var i = 0u; i < 16u; i++) { top = max(top, abs(values[g * 16u + i])); }
  let most = max(max(top.x, top.y), max(top.z, top.w));
  largest[g] = most;
  // Zeros keep the code of zero.
  let unit = select(most, 1.0, most == 0.0);
  for (var i = 0u; i < 8u; i++) {
    let a = values[g * 16u + 2u * i];
    let b = values[g * 16u + 2u * i + 1u];
    var low = vec4<u32>();
    var high = vec4<u32>();
#for k in 0..15
    let middle${k} = (NF4_VALUES[${k}] + NF4_VALUES[${k + 1}]) * 0.5 * unit;
    low += select(vec4<u32>(0u), vec4<u32>(1u), a > vec4<f32>(middle${k}));
    high += select(vec4<u32>(0u), vec4<u32>(1u), b > vec4<f32>(middle${k}));
#end
    let both = low | (high << vec4<u32>(4u));
    codes[g * 8u + i] = both.x | (both.y << 8u) | (both.z << 16u) | (both.w << 24u);
  }
}
