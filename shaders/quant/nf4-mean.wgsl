// scales[256] = the mean of all blocks' largest magnitudes, as the bits of an f32. One workgroup.
#if SUBGROUPS
enable subgroups;
#endif
struct Params { blocks: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> largest: array<f32>;
@group(0) @binding(2) var<storage, read_write> scales: array<u32>;
#include lanes

@compute @workgroup_size(${LANES})
fn main(@builtin(local_invocation_index) local: u32) {
  laneIndex = local;
  var sum = 0.0;
  for (var i = local; i < p.blocks; i += ${LANES}u) { sum += largest[i]; }
  let total = lanesAdd(sum);
  if (local == 0u) { scales[256] = bitcast<u32>(total / f32(p.blocks)); }
}
