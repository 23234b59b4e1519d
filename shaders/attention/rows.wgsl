// What attention's backward needs to know of each row, in one place (a stage may bind few buffers):
//   rows [heads, Tq, 8] u32 = a0, a1, b0, b1, bits of lse2, bits of delta, 0, 0;   delta = Σ dO∘O over the head
struct Params { Tq: u32, heads: u32, quads: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> o: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> dO: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> lse2: array<f32>;
@group(0) @binding(4) var<storage, read> ranges: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read_write> rows: array<vec4<u32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32, @builtin(num_workgroups) groups: vec3<u32>) {
  // Heads vary fastest, so that neighbours read neighbouring memory.
  let i = (group.y * groups.x + group.x) * 64u + local;
  if (i >= p.Tq * p.heads) { return; }
  let t = i / p.heads;
  let head = i % p.heads;
  var delta = 0.0;
  for (var d = 0u; d < p.quads; d++) { delta += dot(o[i * p.quads + d], dO[i * p.quads + d]); }
  let row = head * p.Tq + t;
  rows[2u * row] = ranges[t];
  rows[2u * row + 1u] = vec4<u32>(bitcast<u32>(lse2[row]), bitcast<u32>(delta), 0u, 0u);
}
