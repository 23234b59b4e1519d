// −stopgrad(φ(w))·A·logp with w the ratio of the whole sequence and φ(w) = exp(λ + k·ln w − λ·w), which is 1 at w = 1
// and falls on both sides (VESPO, arXiv 2602.10693). Log-ratios are bounded as TRL bounds them.
fn tokenShare(d: f32, a: f32) -> vec2<f32> { return vec2<f32>(clamp(d, -20.0, 20.0), 1.0); }

fn objective(l: f32, r: f32, d: f32, a: f32, logp: f32) -> vec4<f32> {
  let bounded = clamp(l, -18.420680743952367, 20.0);
  let k = select(f32(${K_NEG}), f32(${K_POS}), a >= 0.0);
  let lambda = max(select(f32(${LAMBDA_NEG}), f32(${LAMBDA_POS}), a >= 0.0), 1e-4);
  let phi = exp(lambda + k * bounded - lambda * exp(bounded));
  return vec4<f32>(-phi * a * logp, -phi * a, phi, 0.0);
}
