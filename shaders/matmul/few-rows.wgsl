// NT for a handful of rows on GPUs (decoding): y [M, N] = x [M, K] · w [N, K]ᵀ (+ scale · z [M, R] · b [N, R]ᵀ)
// (+ bias [N]) (+ residual [M, N]), M ≤ TM. Weights are read once, by 8 neighbouring invocations a row, and used for
// every row of x; a workgroup of 64 gives 8 columns. The weights may be some rows of a matrix: y then has `stride` columns,
// of which the first is `first`.
#include weights
struct Params { rows: u32, cols: u32, inner: u32, R: u32, scale: f32, first: u32, stride: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> w: array<${W}>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
#if BITS <= 8
@group(0) @binding(8) var<storage, read> scales: array<u32>;
#endif
#if LORA
@group(0) @binding(4) var<storage, read> z: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> b: array<vec4<f32>>;
#endif
#if BIAS
@group(0) @binding(6) var<storage, read> bias: array<f32>;
#endif
#if RESIDUAL
@group(0) @binding(7) var<storage, read> residual: array<f32>;
#endif

var<workgroup> sums: array<f32, ${64 * TM}>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) group: vec3<u32>) {
  let lane = local % 8u;
  let col = min((group.y * 65535u + group.x) * 8u + local / 8u, p.cols - 1u);
  let k4 = p.inner / 4u;
#for i in 0..TM
  let row${i} = min(${i}u, p.rows - 1u);
  var c${i} = 0.0;
#end
#if LORA
  let r4 = p.R / 4u;
  for (var k = lane; k < r4; k += 8u) {
    let wv = b[(p.first + col) * r4 + k];
#for i in 0..TM
    c${i} += dot(z[row${i} * r4 + k], wv);
#end
  }
#for i in 0..TM
  c${i} *= p.scale;
#end
#endif
  for (var k = lane; k < k4; k += 8u) {
    let wv = weightAt(col * k4 + k);
#for i in 0..TM
    c${i} += dot(x[row${i} * k4 + k], wv);
#end
  }
#for i in 0..TM
  sums[${64 * i}u + local] = c${i};
#end
  workgroupBarrier();
  // Invocation t sums column t % 8 of row t / 8.
  let row = local / 8u;
  let out = (group.y * 65535u + group.x) * 8u + lane;
  if (row < min(p.rows, ${TM}u) && out < p.cols) {
    let start = row * 64u + lane * 8u;
    var v = ((sums[start] + sums[start + 1u]) + (sums[start + 2u] + sums[start + 3u])) + ((sums[start + 4u] + sums[start + 5u]) + (sums[start + 6u] + sums[start + 7u]));
    let at = row * p.stride + p.first + out;
#if BIAS
    v += bias[p.first + out];
#endif
#if RESIDUAL
    v += residual[at];
#endif
    y[at] = v;
  }
}
