// Per scored token, TRL's policy objective and its derivative with respect to the token's log-probability:
//   L = objective(r, A) + β·kl,   r = exp(logp − old),   kl = exp(ref − logp) − (ref − logp) − 1
// What the objective is stands in a file of its own (clipped.wgsl, …), which is put behind this one:
//   fn objective(l, r, d, a, logp) → (L, dL/dl, the coefficient used, clipped: −1 low, 1 high, 0 not)
// with l the log-ratio at its level, r = exp(l), and d the token's own log-ratio. LIKELIHOOD: dL/dlogp instead of dL/dl.
// KL_RATIO multiplies kl by r (TRL's use_bias_correction_kl, its default since 1.13), gradient through r included.
// LEVELS: sequence.wgsl has run before. Then levels[s] = (l of the sequence, what dL/dl is multiplied by, what the
// gradient of a KL term weighted by the sequence's ratio adds, what of the objective counts). SEQUENCE: l is that one.
// terms[s] = (weighted loss, kl, coefficient, clipped). ON_POLICY: old is logp itself, so r is 1.
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
#if LEVELS
@group(0) @binding(8) var<storage, read> levels: array<vec4<f32>>;
#elif MASKED
@group(0) @binding(8) var<storage, read> kept: array<f32>;
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
  let d = 0.0;
  let own = 1.0;
#else
  let d = logp - old[s];
  let own = exp(d);
#endif
#if LEVELS
  let level = levels[s];
#endif
#if SEQUENCE
  let l = level.x;
  let r = exp(l);
#else
  let l = d;
  let r = own;
#endif
  let term = objective(l, r, d, a, logp);
#if LEVELS
  var loss = level.w * term.x;
  var g = level.y * term.y;
#elif MASKED
  var loss = kept[s] * term.x;
  var g = w * kept[s] * term.y;
#else
  var loss = term.x;
  var g = term.y;
#endif
  var kl = 0.0;
#if KL
  let gap = reference[s] - logp;
  kl = exp(gap) - gap - 1.0;
  var dkl = 1.0 - exp(gap);
#if KL_SEQUENCE
  // The ratio is the sequence's: d(r·kl) = r·dkl here, and at every token of the sequence what level.z gathers.
  dkl *= r;
  kl *= r;
#elif KL_RATIO
  // d(r·kl) = r·(dkl + kl), and r·kl is what the objective adds.
  dkl = own * (dkl + kl);
  kl *= own;
#endif
  loss += p.beta * kl;
#if LEVELS || MASKED
  g += w * p.beta * dkl;
#if KL_SEQUENCE
  g += p.beta * level.z * r;
#endif
#else
  g += p.beta * dkl;
#endif
#endif
#if LEVELS || MASKED
  dlogps[s] = g;
#else
  dlogps[s] = w * g;
#endif
  terms[s] = vec4<f32>(w * loss, kl, term.z, term.w);
#endif
}
