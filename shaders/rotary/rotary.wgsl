// Rotary position embedding, rotate-half form, on `heads` heads of width D in the columns source `fromColumn` on:
//   y[i] = x[i]·cos[i] − x[i + D/2]·sin[i],  y[i + D/2] = x[i + D/2]·cos[i] + x[i]·sin[i],  i < D/2
// cos and sin come from a table row per token (f32 on the CPU: SwiftShader's sin is off by 6e-4 at large arguments).
// `direction` −1 gives the transpose, which is the backward pass. Out of place: in place it would race.
// OUT_ROWS: the output row is looked up (a KV cache slot).
struct Params { rows: u32, heads: u32, half: u32, xStride: u32, xColumn: u32, yStride: u32, yColumn: u32, direction: f32, accumulate: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> table: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read> positions: array<u32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
#if OUT_ROWS
@group(0) @binding(5) var<storage, read> outRows: array<u32>;
#endif

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let n = (group.y * groups.x + group.x) * 64u + local;
  let perRow = p.heads * p.half;
  let row = n / perRow;
  if (row >= p.rows) { return; }
  let head = (n % perRow) / p.half;
  let i = n % p.half;
  let cs = table[positions[row] * p.half + i];
  let source = row * p.xStride + p.xColumn + head * 2u * p.half + i;
#if OUT_ROWS
  let sink = outRows[row] * p.yStride + p.yColumn + head * 2u * p.half + i;
#else
  let sink = row * p.yStride + p.yColumn + head * 2u * p.half + i;
#endif
  let a = x[source];
  let b = x[source + p.half];
  let s = cs.y * p.direction;
  var ya = a * cs.x - b * s;
  var yb = b * cs.x + a * s;
  if (p.accumulate != 0u) {
    ya += y[sink];
    yb += y[sink + p.half];
  }
  y[sink] = ya;
  y[sink + p.half] = yb;
}
