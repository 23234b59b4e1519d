// −(4/τ)·σ(τ(r − 1))·A: a soft gate in place of the clip, steeper for negative advantages (SAPO, arXiv 2511.20347).
fn objective(l: f32, r: f32, d: f32, a: f32, logp: f32) -> vec4<f32> {
  let t = select(f32(${TEMPERATURE_NEG}), f32(${TEMPERATURE_POS}), a > 0.0);
  let gate = 1.0 / (1.0 + exp(-t * (r - 1.0)));
  return vec4<f32>(-gate * 4.0 / t * a, -4.0 * gate * (1.0 - gate) * r * a, r, 0.0);
}
