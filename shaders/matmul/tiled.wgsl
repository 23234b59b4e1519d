// All three products, for GPUs: a workgroup of 16 × 16 invocations computes 16·TM rows × 64 columns, TM × 4 each in
// named registers. Tiles of x and w, 16 steps of the sum deep, are staged in workgroup memory while the next ones are
// on their way to registers. Tiles lie as they do in memory: nothing is transposed, loads are vec4 and coalesced.
//
//   NN  y [M, N] (+)= scale · x [M, K] · w [K, N]  (+ z [M, R] · b [R, N])
//   NT  y [M, N]   = x [M, K] · w [N, K]ᵀ (+ scale · z [M, R] · b [N, R]ᵀ) (+ bias [N]) (+ residual [M, N])
//   TN  y [K, N] (+)= scale · x [M, K]ᵀ · w [M, N]; SPLIT: y [parts, K, N], each part the sum over a stretch of M
//
// `rows` and `cols` are y's, `inner` is what is summed over. Past the edge, tiles hold zeros and nothing is stored.
// The weights may be some rows of a matrix. NT then writes columns first … first + cols of a y of `stride` columns; NN
// reads vec4s first … first + inner / 4 of an x of `stride` vec4s a row.
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

// Rows of 4 vec4 along the sum, padded to 5 against bank conflicts; or 16 steps of vec4s along rows or columns.
#if TN
var<workgroup> xs: array<vec4<f32>, 256>;
#else
var<workgroup> xs: array<vec4<f32>, ${16 * TM * 5}>;
#endif
#if NT
var<workgroup> ws: array<vec4<f32>, 320>;
#else
var<workgroup> ws: array<vec4<f32>, 256>;
#endif

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) group: vec3<u32>) {
  let tx = local % 16u;
  let ty = local / 16u;
  let row0 = group.y * ${16 * TM}u;
  let col0 = group.x * 64u;
#for i in 0..TM
#if NT
#for j in 0..4
  var c${i}_${j} = 0.0;
#end
#else
  var c${i} = vec4<f32>();
#endif
#end

#for phase in 0..1+LORA
  {
#if LORA && phase == 1 - NT
    let inner = p.R;
#else
    let inner = p.inner;
#endif
#if SPLIT
    let first = group.z * p.stretch;
    let end = min(first + p.stretch, inner);
#else
    let first = 0u;
    let end = inner;
#endif
    var nextX = vec4<f32>();
    var nextW = vec4<f32>();
    // Each turn computes the tile fetched in the turn before, so there is one more turn than tiles.
    for (var k = first; k < end + 16u; k += 16u) {
      if (k > first) {
        workgroupBarrier();
#if TN
        xs[local] = nextX;
#else
        if (local < ${64 * TM}u) { xs[(local / 4u) * 5u + local % 4u] = nextX; }
#endif
#if NT
        ws[(local / 4u) * 5u + local % 4u] = nextW;
#else
        ws[local] = nextW;
#endif
        workgroupBarrier();
      }
      nextX = vec4<f32>();
      nextW = vec4<f32>();
#if TN
      if (k + ty < end && row0 + 4u * tx < p.rows) { nextX = x[((k + ty) * p.rows + row0) / 4u + tx]; }
#else
      if (local < ${64 * TM}u && k + 4u * (local % 4u) < end && row0 + local / 4u < p.rows) {
#if LORA && phase == 1 - NT
        nextX = z[((row0 + local / 4u) * inner + k) / 4u + local % 4u];
#else
        #if NT
        nextX = x[((row0 + local / 4u) * inner + k) / 4u + local % 4u];
#else
        nextX = x[(row0 + local / 4u) * p.stride + p.first + k / 4u + local % 4u];
#endif
#endif
      }
#endif
#if NT
      if (k + 4u * (local % 4u) < end && col0 + local / 4u < p.cols) {
#if LORA && phase == 0
        let row = p.first + col0 + local / 4u;
#else
        let row = col0 + local / 4u;
#endif
        let at = (row * inner + k) / 4u + local % 4u;
#else
      if (k + ty < end && col0 + 4u * tx < p.cols) {
        let at = ((k + ty) * p.cols + col0) / 4u + tx;
#endif
#if LORA && phase == 1 - NT
        nextW = b[at];
#else
        nextW = weightAt(at);
#endif
      }
      if (k > first) {
#if TN
        for (var s = 0u; s < 16u; s++) {
          let xv = xs[s * 16u + ty];
          let wv = ws[s * 16u + tx];
#for i in 0..TM
          c${i} += xv[${i}] * wv;
#end
        }
#else
        for (var s = 0u; s < 4u; s++) {
#for i in 0..TM
          let x${i} = xs[(ty * ${TM}u + ${i}u) * 5u + s];
#end
#for q in 0..4
#if NT
          let w${q} = ws[(tx + ${16 * q}u) * 5u + s];
#for i in 0..TM
          c${i}_${q} += dot(x${i}, w${q});
#end
#else
          let w${q} = ws[(4u * s + ${q}u) * 16u + tx];
#for i in 0..TM
          c${i} += x${i}[${q}] * w${q};
#end
#endif
#end
        }
#endif
      }
    }
  }
#if phase == 0 && (!NT || LORA)
#for i in 0..TM
#if NT
#for j in 0..4
  c${i}_${j} *= p.scale;
#end
#else
  c${i} *= p.scale;
#endif
#end
#endif
#end

#for i in 0..TM
  if (row0 + ty * ${TM}u + ${i}u < p.rows) {
    let row = row0 + ty * ${TM}u + ${i}u;
#if NT
#for j in 0..4
    if (col0 + tx + ${16 * j}u < p.cols) {
      let col = p.first + col0 + tx + ${16 * j}u;
      var v = c${i}_${j};
#if BIAS
      v += bias[col];
#endif
#if RESIDUAL
      v += residual[row * p.stride + col];
#endif
      y[row * p.stride + col] = v;
    }
#end
#else
    if (col0 + 4u * tx < p.cols) {
#if SPLIT
      let at = ((group.z * p.rows + row) * p.cols + col0) / 4u + tx;
#else
      let at = (row * p.cols + col0) / 4u + tx;
#endif
#if ACCUMULATE
      y[at] += c${i};
#else
      y[at] = c${i};
#endif
    }
#endif
  }
#end
}
