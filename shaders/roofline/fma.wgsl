// How many multiply-adds the adapter does when nothing else holds it up: sixteen chains in registers, eight rounds for
// each turn of the loop, since on SwiftShader a loop stores all that it carries. `rounds` is a multiple of eight.
struct Params { rounds: u32, factor: f32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let a = vec4<f32>(p.factor, p.factor, p.factor, p.factor);
#for I in 0..16
  var s${I} = vec4<f32>(f32(id.x), ${I}.0, 1.0, 2.0);
#end
  for (var round = 0u; round < p.rounds; round += 8u) {
#for I in 0..16
#for again in 0..8
    s${I} = fma(s${I}, a, a);
#end
#end
  }
  var sum = vec4<f32>();
#for I in 0..16
  sum += s${I};
#end
  y[id.x] = sum.x + sum.y + sum.z + sum.w;
}
