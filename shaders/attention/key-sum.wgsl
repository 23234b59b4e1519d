// Adds up what the key gradient left in parts, one for some heads of a group each:
//   parts [parts, Tk, 2, quads] → dk, dv (+)= Σ parts, in columns kOffset and vOffset of tensors of their own width
struct Params { parts: u32, Tk: u32, quads: u32, kStride: u32, vStride: u32, kOffset: u32, vOffset: u32, accumulateK: u32, accumulateV: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> part: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> dk: array<vec4<f32>>;
#if DV_APART
@group(0) @binding(3) var<storage, read_write> dv: array<vec4<f32>>;
#endif

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  let all = p.Tk * 2u * p.quads;
  if (i >= all) { return; }
  var sum = vec4<f32>();
  for (var n = 0u; n < p.parts; n++) { sum += part[n * all + i]; }
  let key = i / (2u * p.quads);
  let column = i % (2u * p.quads);
  if (column < p.quads) {
    let at = p.kOffset + key * p.kStride + column;
    if (p.accumulateK != 0u) { sum += dk[at]; }
    dk[at] = sum;
  } else {
    let at = p.vOffset + key * p.vStride + column - p.quads;
    if (p.accumulateV != 0u) { sum += ${DV}[at]; }
    ${DV}[at] = sum;
  }
}
