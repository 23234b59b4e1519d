// Puts together what the forward kernel left of a row in stretches of its keys, each relative to its own largest score:
//   part [stretches, Tq, heads·D], sums [stretches, heads, Tq, 2] = largest score (log2), sum → o [Tq, heads·D]
// A row that saw no key is zero.
struct Params { stretches: u32, Tq: u32, heads: u32, quads: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> part: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> sums: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> o: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  let all = p.Tq * p.heads * p.quads;
  if (i >= all) { return; }
  let t = i / (p.heads * p.quads);
  let head = i / p.quads % p.heads;
  let row = head * p.Tq + t;
  let rows = p.heads * p.Tq;
  var top = -1e30;
  for (var n = 0u; n < p.stretches; n++) { top = max(top, sums[n * rows + row].x); }
  var sum = 0.0;
  var value = vec4<f32>();
  for (var n = 0u; n < p.stretches; n++) {
    let sumAt = sums[n * rows + row];
    let share = exp2(sumAt.x - top);
    sum += sumAt.y * share;
    value += part[n * all + i] * share;
  }
  o[i] = select(vec4<f32>(), value / max(sum, 1e-30), sum > 0.0);
}
