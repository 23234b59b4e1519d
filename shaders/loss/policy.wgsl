// Per scored token, TRL's GRPO objective and its derivative with respect to the token's log-probability:
//   r = exp(logp − old),  L = −min(r·A, clip(r, 1 − ε, 1 + ε_high)·A) + β·kl,  kl = exp(ref − logp) − (ref − logp) − 1
// KL_RATIO multiplies kl by r (TRL's use_bias_correction_kl, its default since 1.13), gradient through r included.
// terms[s] = (weighted loss, kl, r, clipped: −1 low, 1 high, 0 not). ON_POLICY: old is logp itself, so r is 1.
// With SFT the token's loss is −logp: A = 1, β = 0, on policy gives the same gradient; LOSS_NLL reports the likelihood.
struct Params { n: u32, epsilonLow: f32, epsilonHigh: f32, beta: f32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> logps: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read_write> dlogps: array<f32>;
@group(0) @binding(4) var<storage, read_write> terms: array<vec4<f32>>;
#if !LOSS_NLL
@group(0) @binding(5) var<storage, read> advantage: array<f32>;
#if !ON_POLICY
@group(0) @binding(6) var<storage, read> old: array<f32>;
#endif
#if KL
@group(0) @binding(7) var<storage, read> reference: array<f32>;
#endif
#endif

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let s = group.x * 64u + local;
  if (s >= p.n) { return; }
  let w = weight[s];
  let logp = logps[s];
#if LOSS_NLL
  dlogps[s] = -w;
  terms[s] = vec4<f32>(-w * logp, 0.0, 1.0, 0.0);
#else
  let a = advantage[s];
#if ON_POLICY
  let r = 1.0;
#else
  let r = exp(logp - old[s]);
#endif
  let low = r < 1.0 - p.epsilonLow && a < 0.0;
  let high = r > 1.0 + p.epsilonHigh && a > 0.0;
  var loss = -min(r * a, clamp(r, 1.0 - p.epsilonLow, 1.0 + p.epsilonHigh) * a);
  var d = select(-a * r, 0.0, low || high);
  var kl = 0.0;
#if KL
  let gap = reference[s] - logp;
  kl = exp(gap) - gap - 1.0;
  var dkl = 1.0 - exp(gap);
#if KL_RATIO
  // d(r·kl) = r·(dkl + kl), and r·kl is what the objective adds.
  dkl = r * (dkl + kl);
  kl *= r;
#endif
  loss += p.beta * kl;
  d += p.beta * dkl;
#endif
  dlogps[s] = w * d;
  terms[s] = vec4<f32>(w * loss, kl, r, select(select(0.0, 1.0, high), -1.0, low));
#endif
}
