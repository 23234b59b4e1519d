// For each row of logits [U, stride], of which the first `vocab` columns count: log-sum-exp of logits/temperature, the
// log-probability of each of the row's targets, the entropy, and whether the target is the most likely token. Row u's
// targets are entries start[u] … start[u + 1] (several completions may share a prompt's last row).
#if SUBGROUPS
enable subgroups;
#endif
struct Params { rows: u32, vocab: u32, stride: u32, firstRow: u32, inverseTemperature: f32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> start: array<u32>;
@group(0) @binding(3) var<storage, read> targets: array<u32>;
@group(0) @binding(4) var<storage, read_write> lse: array<f32>;
@group(0) @binding(5) var<storage, read_write> logps: array<f32>;
@group(0) @binding(6) var<storage, read_write> entropy: array<f32>;
@group(0) @binding(7) var<storage, read_write> correct: array<f32>;
#include lanes

@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  laneIndex = local;
  let row = group.y * groups.x + group.x;
  if (row >= p.rows) { return; }
  let base = row * p.stride;
  var top = -1e30;
  for (var v = local; v < p.vocab; v += ${LANES}u) { top = max(top, logits[base + v]); }
  let largest = lanesMax(top);
  top = largest * p.inverseTemperature;
  var sum = 0.0;
  var weighted = 0.0;
  for (var v = local; v < p.vocab; v += ${LANES}u) {
    let l = logits[base + v] * p.inverseTemperature - top;
    let e = exp(l);
    sum += e;
    weighted += e * l;
  }
  sum = lanesAdd(sum);
  weighted = lanesAdd(weighted);
  let at = p.firstRow + row;
  if (local == 0u) { lse[at] = top + log(sum); }
  for (var s = start[at] + local; s < start[at + 1u]; s += ${LANES}u) {
    logps[s] = logits[base + targets[s]] * p.inverseTemperature - top - log(sum);
    entropy[s] = log(sum) - weighted / sum;
    correct[s] = select(0.0, 1.0, logits[base + targets[s]] >= largest);
  }
}
