// Tiles of attention in workgroup memory, for GPUs (after FlashAttention-2, arXiv 2307.08691). 128 invocations as 16 × 8
// have 16·TM rows by 32 columns of scores; all fits into the 16 KiB that every WebGPU adapter has. Loads past the end
// repeat the last row and their weights are zero.
var<workgroup> lefts: array<vec4<f32>, ${SLAB}>;
var<workgroup> rights: array<vec4<f32>, 160>;
var<workgroup> weights: array<vec${TM}<f32>, 512>;

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) tile: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let tx = local % 8u;
  let ty = local / 8u;
  // Quads of columns that this invocation sums; past the head's end it sums the last one again and stores nothing.
#for c in 0..COLUMNS
  let at${c} = min(tx + ${8 * c}u, ${QUADS - 1}u);
#end
