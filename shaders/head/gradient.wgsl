// Turns logits into their gradient, in place: Σ_s dlogps[s]·(onehot(target[s]) − softmax) / temperature over the row's
// entries; with ENTROPY also −Σ_s dentropy[s]·softmax·(log softmax + entropy) / temperature. One row a workgroup. Columns
// vocab … stride − 1 only fill rows up; they get zeros.
struct Params { rows: u32, vocab: u32, stride: u32, firstRow: u32, inverseTemperature: f32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> logits: array<f32>;
@group(0) @binding(2) var<storage, read> start: array<u32>;
@group(0) @binding(3) var<storage, read> targets: array<u32>;
@group(0) @binding(4) var<storage, read> lse: array<f32>;
@group(0) @binding(5) var<storage, read> dlogps: array<f32>;
#if ENTROPY
@group(0) @binding(6) var<storage, read> entropy: array<f32>;
@group(0) @binding(7) var<storage, read> dentropy: array<f32>;
#endif

@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let row = group.y * groups.x + group.x;
  if (row >= p.rows) { return; }
  let base = row * p.stride;
  let at = p.firstRow + row;
  let first = start[at];
  let end = start[at + 1u];
  var total = 0.0;
  for (var s = first; s < end; s++) { total += dlogps[s]; }
  total *= p.inverseTemperature;
  let shift = lse[at];
#if ENTROPY
  // The entries of a row share its distribution.
  var pull = 0.0;
  var spread = 0.0;
  for (var s = first; s < end; s++) {
    pull += dentropy[s] * p.inverseTemperature;
    spread = entropy[s];
  }
#endif
  for (var v = p.vocab + local; v < p.stride; v += ${LANES}u) { logits[base + v] = 0.0; }
  for (var v = local; v < p.vocab; v += ${LANES}u) {
    let logp = logits[base + v] * p.inverseTemperature - shift;
#if ENTROPY
    logits[base + v] = -(total + pull * (logp + spread)) * exp(logp);
#else
    logits[base + v] = -total * exp(logp);
#endif
  }
  // Each lane adds to the columns that it has written itself, so none waits for another.
  for (var s = first; s < end; s++) {
    let v = targets[s];
    if (v % ${LANES}u == local) { logits[base + v] += dlogps[s] * p.inverseTemperature; }
  }
}
