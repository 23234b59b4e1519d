// GELU and its derivative in three forms: the error function's, the tanh approximation and x · sigmoid(1.702 x).
// erf is Abramowitz & Stegun 7.1.26, good to 1.5e-7 absolutely: as good as f32 near ±1. In the negative tail, where
// 1 + erf cancels, the complement is used directly, so that the result keeps its sign and order of magnitude.
struct Params { n: u32, accumulate: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
#if BACKWARD
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;
#else
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
#endif

// The value and the derivative.
#if FORM == 0
fn gelu(v: f32) -> vec2<f32> {
  let a = abs(v) * 0.70710678118;
  let t = 1.0 / (1.0 + 0.3275911 * a);
  let poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  let tail = 0.5 * poly * exp(-a * a);
  let cdf = select(1.0 - tail, tail, v < 0.0);
  return vec2<f32>(v * cdf, cdf + v * 0.3989422804 * exp(-0.5 * v * v));
}
#endif
#if FORM == 1
fn gelu(v: f32) -> vec2<f32> {
  // tanh overflows on some drivers for large arguments; it is ±1 to the last bit well before 20.
  let inner = clamp(0.7978845608 * (v + 0.044715 * v * v * v), -20.0, 20.0);
  let t = tanh(inner);
  let slope = (1.0 - t * t) * 0.7978845608 * (1.0 + 0.134145 * v * v);
  return vec2<f32>(0.5 * v * (1.0 + t), 0.5 * (1.0 + t) + 0.5 * v * slope);
}
#endif
#if FORM == 2
fn gelu(v: f32) -> vec2<f32> {
  let s = 1.0 / (1.0 + exp(-1.702 * v));
  return vec2<f32>(v * s, s * (1.0 + 1.702 * v * (1.0 - s)));
}
#endif

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  if (i >= p.n) { return; }
  let g = gelu(x[i]);
#if BACKWARD
  var v = g.y * dy[i];
  if (p.accumulate != 0u) { v += dx[i]; }
  dx[i] = v;
#else
  y[i] = g.x;
#endif
}
