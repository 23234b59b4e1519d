// AdamW (arXiv 1711.05101, as torch.optim.AdamW) over one arena of parameters. control = (learning rate, β1, β2, eps,
// weight decay, 1 − β1^t, 1 − β2^t, max norm, 1 − β1, 1 − β2); norm[0] = Σ gradient². A max norm of 0 does not clip.
struct Params { n4: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> control: array<f32>;
@group(0) @binding(2) var<storage, read> norm: array<f32>;
@group(0) @binding(3) var<storage, read> gradient: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> parameter: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> mean: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> square: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 64u + local;
  if (i >= p.n4) { return; }
  let maxNorm = control[7];
  var factor = 1.0;
  if (maxNorm > 0.0) { factor = min(1.0, maxNorm / (sqrt(norm[0]) + 1e-6)); }
  let g = gradient[i] * factor;
  let m = control[1] * mean[i] + control[8] * g;
  let v = control[2] * square[i] + control[9] * g * g;
  mean[i] = m;
  square[i] = v;
  let lr = control[0];
  let update = (m / control[5]) / (sqrt(v / control[6]) + control[3]);
  parameter[i] = parameter[i] * (1.0 - lr * control[4]) - lr * update;
}
