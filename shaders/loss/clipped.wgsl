// −min(r·A, clip(r, 1 − ε, 1 + ε_high)·A): PPO's clipped objective (arXiv 1707.06347), with DAPO's higher upper bound.
// DELTA caps the ratio from above for negative advantages too (INTELLECT-2, arXiv 2505.07291).
fn objective(l: f32, r: f32, d: f32, a: f32, logp: f32) -> vec4<f32> {
  let low = r < 1.0 - p.epsilonLow && a < 0.0;
  let high = r > 1.0 + p.epsilonHigh && a > 0.0;
  let clipped = select(select(0.0, 1.0, high), -1.0, low);
#if DELTA
  let capped = min(r, f32(${DELTA_VALUE}));
  let bounded = clamp(r, 1.0 - p.epsilonLow, 1.0 + p.epsilonHigh);
  let free = capped * a <= bounded * a;
  let still = select(bounded != r, capped != r, free);
  return vec4<f32>(-min(capped * a, bounded * a), select(-a * r, 0.0, still), capped, clipped);
#else
  let loss = -min(r * a, clamp(r, 1.0 - p.epsilonLow, 1.0 + p.epsilonHigh) * a);
  return vec4<f32>(loss, select(-a * r, 0.0, low || high), r, clipped);
#endif
}
