// For each row of logits [U, stride], of which the first `vocab` columns count: the k tokens with the largest logits, in
// ascending order, and their log-probabilities under softmax(logits / temperature). The smallest of them is found by
// bisection over the bits of the logits, which is exact; of tokens that tie with it the first stay. One row a workgroup.
#if SUBGROUPS
enable subgroups;
diagnostic(off, subgroup_uniformity);
#endif
struct Params { rows: u32, vocab: u32, stride: u32, firstRow: u32, k: u32, inverseTemperature: f32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> lse: array<f32>;
@group(0) @binding(3) var<storage, read_write> tokens: array<f32>;
@group(0) @binding(4) var<storage, read_write> logps: array<f32>;
#include lanes

var<workgroup> above: array<u32, ${LANES}>;
var<workgroup> equal: array<u32, ${LANES}>;

// f32 bits in an order that compares like the numbers do.
fn ordered(v: f32) -> u32 {
  let bits = bitcast<u32>(v);
  return select(bits | 0x80000000u, ~bits, (bits >> 31u) == 1u);
}

@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  laneIndex = local;
  let row = group.y * groups.x + group.x;
  if (row >= p.rows) { return; }
  let base = row * p.stride;
  var threshold = 0u;
  for (var bit = 0u; bit < 32u; bit++) {
    let candidate = threshold | (0x80000000u >> bit);
    // Counts are exact in f32 up to 2²⁴, beyond any vocabulary.
    var count = 0.0;
    for (var v = local; v < p.vocab; v += ${LANES}u) {
      if (ordered(logits[base + v]) >= candidate) { count += 1.0; }
    }
    if (lanesAdd(count) >= f32(p.k)) { threshold = candidate; }
  }
  // Lanes own contiguous stretches, so that what they write is in order.
  let stretch = (p.vocab + ${LANES}u - 1u) / ${LANES}u;
  let first = local * stretch;
  let end = min(first + stretch, p.vocab);
  var mine = vec2<u32>(0u, 0u);
  for (var v = first; v < end; v++) {
    let bits = ordered(logits[base + v]);
    if (bits > threshold) { mine.x++; }
    if (bits == threshold) { mine.y++; }
  }
  above[local] = mine.x;
  equal[local] = mine.y;
  workgroupBarrier();
  var before = vec2<u32>(0u, 0u);
  var larger = 0u;
  for (var i = 0u; i < ${LANES}u; i++) {
    if (i < local) { before += vec2<u32>(above[i], equal[i]); }
    larger += above[i];
  }
  let room = p.k - min(larger, p.k);
  let at = p.firstRow + row;
  let shift = lse[at];
  for (var v = first; v < end; v++) {
    let l = logits[base + v];
    let bits = ordered(l);
    if (bits < threshold) { continue; }
    if (bits > threshold || before.y < room) {
      let place = at * p.k + before.x + min(before.y, room);
      tokens[place] = f32(v);
      logps[place] = l * p.inverseTemperature - shift;
    }
    if (bits > threshold) { before.x++; } else { before.y++; }
  }
}
