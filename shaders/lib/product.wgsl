// What the kernels for products on GPUs share: the bindings, the two factors four numbers at a time, and the store of a
// result with all that is added to it. SPLIT (NN and TN): y [parts, rows, cols], each part the sum over a stretch.
//
// The sum has one phase, or two with a LoRA term: the one that `scale` belongs to comes first. Phase P goes from
// beginP to endP; leftP and rightP are its factors, zeros past the edge with leftWithinP and rightWithinP.
#include weights
struct Params { rows: u32, cols: u32, inner: u32, R: u32, scale: f32, stretch: u32, first: u32, stride: u32 }
#include product-bindings

#for phase in 0..1+LORA
fn begin${phase}(part: u32) -> u32 {
#if SPLIT
  return part * p.stretch;
#else
  return 0u;
#endif
}

fn end${phase}(part: u32) -> u32 {
#if LORA && phase == 1 - NT
  return p.R;
#elif SPLIT
  return min((part + 1u) * p.stretch, p.inner);
#else
  return p.inner;
#endif
}

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

fn leftWithin${phase}(row: u32, k: u32, end: u32) -> vec4<f32> {
  var v = vec4<f32>();
  if (k < end && row < p.rows) { v = left${phase}(row, k); }
  return v;
}

fn rightWithin${phase}(col: u32, k: u32, end: u32) -> vec4<f32> {
  var v = vec4<f32>();
  if (k < end && col < p.cols) { v = right${phase}(col, k); }
  return v;
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
