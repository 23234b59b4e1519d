// y (+)= x / (1 − p) where kept, 0 where dropped. What is kept depends on (seed, id, element) alone, so that the backward
// pass and a recomputed forward drop the same elements. The same kernel is its own gradient.
struct Params { n: u32, id: u32, threshold: u32, scale: f32, accumulate: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> seed: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

fn hash(v: u32) -> u32 {
  let s = v * 747796405u + 2891336453u;
  let w = ((s >> ((s >> 28u) + 4u)) ^ s) * 277803737u;
  return (w >> 22u) ^ w;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  if (i >= p.n) { return; }
  let kept = hash(i ^ hash(p.id ^ hash(seed[0]))) >= p.threshold;
  var v = select(0.0, x[i] * p.scale, kept);
  if (p.accumulate != 0u) { v += y[i]; }
  y[i] = v;
}
