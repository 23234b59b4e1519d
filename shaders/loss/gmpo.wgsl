// −exp(mean of clipped log-ratios)·A: the geometric mean of the tokens' ratios, each clipped for its own sign of the
// advantage, in log space (GMPO, arXiv 2507.20673).
fn tokenShare(d: f32, a: f32) -> vec2<f32> {
  let bounded = clamp(d, -p.epsilonLow, p.epsilonHigh);
  let share = select(max(d, bounded), min(d, bounded), a > 0.0);
  return vec2<f32>(share, select(0.0, 1.0, share == d));
}

fn objective(l: f32, r: f32, d: f32, a: f32, logp: f32) -> vec4<f32> {
  let low = d < -p.epsilonLow && a < 0.0;
  let high = d > p.epsilonHigh && a > 0.0;
  return vec4<f32>(-r * a, -r * a, r, select(select(0.0, 1.0, high), -1.0, low));
}
