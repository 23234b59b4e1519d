// y = quantised weights in f32, from word `first` of their codes on: a word of codes an invocation.
#include weights
struct Params { words: u32, first: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> w: array<${W}>;
@group(0) @binding(2) var<storage, read> scales: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  if (i >= p.words) { return; }
  let at = p.first + i;
  let word = w[at];
  let scale = scaleOf(at / ${GROUP * BITS / 32}u);
  // The codes of vector v begin at bit 4·v.
#for v in 0..8 / BITS
  y[i * ${8 / BITS}u + ${v}u] = decoded4Placed(word, ${1 + 15 * v}u, scale);
#end
}
