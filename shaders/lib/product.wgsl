// What the kernels for products on GPUs share: the bindings, the two factors four numbers at a time, and the store of a
// result with all that is added to it.
//
//   NN  y [M, N] (+)= scale · x [M, K] · w [K, N]  (+ z [M, R] · b [R, N])
//   NT  y [M, N]   = x [M, K] · w [N, K]ᵀ (+ scale · z [M, R] · b [N, R]ᵀ) (+ bias [N]) (+ residual [M, N])
//   TN  y [K, N] (+)= scale · x [M, K]ᵀ · w [M, N]; SPLIT: y [parts, K, N], each part the sum over a stretch of M
//
// `rows` and `cols` are y's, `inner` is what is summed over. The weights may be some rows of a matrix. NT then writes
// columns first … first + cols of a y of `stride` columns; NN reads vec4s first … first + inner / 4 of an x of `stride`
// vec4s a row.
//
// The sum has one phase, or two with a LoRA term: the one that `scale` belongs to comes first. innerP, leftP and rightP
// are the length and the factors of phase P.
#include weights
struct Params { rows: u32, cols: u32, inner: u32, R: u32, scale: f32, stretch: u32, first: u32, stride: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> w: array<${W}>;
@group(0) @binding(3) var<storage, read_write> y: array<${Y}>;
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

#for phase in 0..1+LORA
#if LORA && phase == 1 - NT
fn inner${phase}() -> u32 { return p.R; }
#else
fn inner${phase}() -> u32 { return p.inner; }
#endif

// TN: four rows from `row` on of one step; else four steps from `k` on of one row.
fn left${phase}(row: u32, k: u32) -> vec4<f32> {
#if LORA && phase == 1 - NT
  return z[(row * p.R + k) / 4u];
#elif TN
  return x[(k * p.rows + row) / 4u];
#elif NT
  return x[(row * p.inner + k) / 4u];
#else
  return x[row * p.stride + p.first + k / 4u];
#endif
}

// NT: four steps from `k` on of one column; else four columns from `col` on of one step.
fn right${phase}(col: u32, k: u32) -> vec4<f32> {
#if LORA && NT && phase == 0
  return b[((p.first + col) * p.R + k) / 4u];
#elif LORA && !NT && phase == 1
  return b[(k * p.cols + col) / 4u];
#elif NT
  return weightAt((col * p.inner + k) / 4u);
#else
  return weightAt((k * p.cols + col) / 4u);
#endif
}
#end

#if NT
// Row and column must be y's.
fn store(row: u32, col: u32, sum: f32) {
  var v = sum;
#if BIAS
  v += bias[p.first + col];
#endif
#if RESIDUAL
  v += residual[row * p.stride + p.first + col];
#endif
  y[row * p.stride + p.first + col] = v;
}
#else
// Four columns from `col` on, of part `part`. Row and columns must be y's.
fn store4(row: u32, col: u32, part: u32, sum: vec4<f32>) {
#if SPLIT
  let at = ((part * p.rows + row) * p.cols + col) / 4u;
#else
  let at = (row * p.cols + col) / 4u;
#endif
#if ACCUMULATE
  y[at] += sum;
#else
  y[at] = sum;
#endif
}
#endif
