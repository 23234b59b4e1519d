// −stopgrad(min(r, ε_high))·A·logp: every token keeps its gradient, weighted by a capped ratio (CISPO, arXiv 2506.13585).
fn objective(l: f32, r: f32, d: f32, a: f32, logp: f32) -> vec4<f32> {
  let capped = min(r, p.epsilonHigh);
  return vec4<f32>(-capped * a * logp, -capped * a, capped, select(0.0, 1.0, r > p.epsilonHigh && a > 0.0));
}
