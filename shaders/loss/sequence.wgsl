// What a policy objective needs of whole completions, for policy.wgsl: one invocation a completion.
//   spans[c] = (first token, where the others start, how many in all); a completion's tokens are the first and those
//   from the start on, because completions of one prompt have their first tokens side by side (train/pack.ts).
//   levels[s] = (log-ratio of the sequence, what dL/dl is multiplied by at this token, the same for a KL term that is
//   weighted by the sequence's ratio, what of the objective counts), with w the token's weight and k what is kept of it
// The log-ratio is the mean of the tokens' (GSPO, arXiv 2507.18071), or SUM. OWN_SHARE: the objective says what a token
// contributes and whether its gradient passes. GEOMETRIC: the mean is over kept tokens only, and all of the objective
// counts. TOKEN: the objective is by token. LOCAL: its gradient stays with the token, as if l were the token's own.
// OFF_POLICY drops the objective of completions with a negative advantage whose mean of old − logp is over the
// threshold (DeepSeek-V3.2, arXiv 2512.02556; TRL's off_policy_mask_threshold).
struct Params { n: u32, epsilonLow: f32, epsilonHigh: f32, threshold: f32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> spans: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> logps: array<f32>;
@group(0) @binding(3) var<storage, read> weight: array<f32>;
@group(0) @binding(4) var<storage, read_write> levels: array<vec4<f32>>;
#if OFF_POLICY || OWN_SHARE
@group(0) @binding(5) var<storage, read> advantage: array<f32>;
#endif
#if !ON_POLICY
@group(0) @binding(6) var<storage, read> old: array<f32>;
#endif
#if KL_SEQUENCE
@group(0) @binding(7) var<storage, read> reference: array<f32>;
#endif
#if MASKED
@group(0) @binding(8) var<storage, read> kept: array<f32>;
#endif

fn tokenAt(span: vec4<u32>, i: u32) -> u32 { return select(span.y + i - 1u, span.x, i == 0u); }

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let c = group.x * 64u + local;
  if (c >= p.n) { return; }
  let span = spans[c];
  if (span.z == 0u) { return; }
  var l = 0.0;
  var drift = 0.0;
  var counted = 0.0;
  var mass = 0.0;
  var klMass = 0.0;
#if OFF_POLICY || OWN_SHARE
  let a = advantage[span.x];
#endif
  for (var i = 0u; i < span.z; i++) {
    let s = tokenAt(span, i);
#if ON_POLICY
    let d = 0.0;
#else
    let d = logps[s] - old[s];
#endif
#if MASKED
    let k = kept[s];
#else
    let k = 1.0;
#endif
#if OWN_SHARE
    let share = tokenShare(d, a).x;
#else
    let share = d;
#endif
#if GEOMETRIC
    l += k * share;
    counted += k;
    mass += weight[s];
#else
    l += share;
    counted += 1.0;
    mass += weight[s] * k;
#endif
    drift -= d;
#if KL_SEQUENCE
    let gap = reference[s] - logps[s];
    klMass += weight[s] * (exp(gap) - gap - 1.0);
#endif
  }
#if SUM
  let step = 1.0;
#else
  let step = 1.0 / max(counted, 1.0);
#endif
  l *= step;
#if OFF_POLICY
  let counts = select(0.0, 1.0, a >= 0.0 || drift / f32(span.z) <= p.threshold);
#else
  let counts = 1.0;
#endif
  for (var i = 0u; i < span.z; i++) {
    let s = tokenAt(span, i);
#if MASKED
    let k = kept[s];
#else
    let k = 1.0;
#endif
#if GEOMETRIC
#if ON_POLICY
    let passes = tokenShare(0.0, a).y;
#else
    let passes = tokenShare(logps[s] - old[s], a).y;
#endif
    levels[s] = vec4<f32>(l, step * mass * k * passes, 0.0, 1.0);
#elif TOKEN || LOCAL
    levels[s] = vec4<f32>(l, weight[s] * k * counts, step * klMass, k * counts);
#else
    levels[s] = vec4<f32>(l, step * mass * counts, step * klMass, k * counts);
#endif
  }
}
