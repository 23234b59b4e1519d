// The error-function GELU and its derivative. erf by Abramowitz & Stegun 7.1.26 would be good to 1.5e-7 only in exact
// arithmetic; the continued use of exp keeps the relative error of the tail small enough for f32.
struct Params { n: u32, accumulate: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
#if BACKWARD
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;
#else
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
#endif

fn erf(v: f32) -> f32 {
  let a = abs(v);
  let t = 1.0 / (1.0 + 0.3275911 * a);
  let poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return sign(v) * (1.0 - poly * exp(-a * a));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  if (i >= p.n) { return; }
  let v = x[i];
  let cdf = 0.5 * (1.0 + erf(v * 0.70710678118));
#if BACKWARD
  let g = (cdf + v * 0.3989422804 * exp(-0.5 * v * v)) * dy[i];
  if (p.accumulate != 0u) { dx[i] += g; } else { dx[i] = g; }
#else
  y[i] = v * cdf;
#endif
}
