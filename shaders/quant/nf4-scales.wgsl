// The blocks' largest magnitudes, less their mean, → codes of 8 bits with one f32 for 256 of them ("double
// quantisation"), 256 an invocation. `scales` in words: the values of the 256 codes, ascending; the mean; then for each
// 256 blocks the largest |magnitude − mean| and their codes, four to a word.
struct Params { blocks: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> largest: array<f32>;
@group(0) @binding(2) var<storage, read_write> scales: array<u32>;

fn decoded(code: u32) -> f32 { return bitcast<f32>(scales[code]); }

// The code of the value nearest to v / most, the lower of two.
fn nearest(v: f32, most: f32) -> u32 {
  var low = 0u;
  var high = 255u;
  while (low < high) {
    let middle = (low + high) / 2u;
    if (v > (decoded(middle) + decoded(middle + 1u)) * 0.5 * most) { low = middle + 1u; } else { high = middle; }
  }
  return low;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) counts: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let g = (group.y * counts.x + group.x) * 64u + local;
  let first = g * 256u;
  if (first >= p.blocks) { return; }
  let count = min(p.blocks - first, 256u);
  let mean = bitcast<f32>(scales[256]);
  var most = 0.0;
  for (var i = 0u; i < count; i++) { most = max(most, abs(largest[first + i] - mean)); }
  let at = 257u + g * 65u;
  scales[at] = bitcast<u32>(most);
  for (var i = 0u; i < 64u; i++) {
    var word = 0u;
    for (var k = 0u; k < 4u; k++) {
      let member = 4u * i + k;
      if (member < count) { word |= nearest(largest[first + member] - mean, most) << (8u * k); }
    }
    scales[at + 1u + i] = word;
  }
}
