// Rows of f32 → codes of BITS bits with a scale and a zero point for GROUP neighbours, one group an invocation. Scale
// is the smallest half (times 2⁻¹²) with which all codes 0 … LEVELS span the group's values and zero; zero point and
// codes are rounded, ties up. Divisions only guess: every choice is settled by products that are exact in f32, so that
// any adapter gives the same codes, to the bit.
struct Params { groups: u32, firstGroup: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> values: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> codes: array<u32>;
@group(0) @binding(3) var<storage, read_write> scales: array<u32>;

fn scaleOfHalf(bits: u32) -> f32 { return unpack2x16float(bits).x * 0x1p-12; }

// v / scale rounded to whole numbers, ties up.
fn steps(v: vec4<f32>, scale: f32) -> vec4<f32> {
  let n = floor(v / scale + 0.5);
  let one = vec4<f32>(1.0);
  return n + select(vec4<f32>(), one, v >= scale * (n + 0.5)) - select(vec4<f32>(), one, v < scale * (n - 0.5));
}

fn codesOf(v: vec4<f32>, scale: f32, zero: f32) -> vec4<u32> {
  return vec4<u32>(clamp(steps(v, scale) + zero, vec4<f32>(0.0), vec4<f32>(${LEVELS}.0)));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) counts: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let g = (group.y * counts.x + group.x) * 64u + local;
  if (g >= p.groups) { return; }
  let start = g * ${GROUP / 4}u;
  let to = p.firstGroup + g;
  var low = vec4<f32>();
  var high = vec4<f32>();
  for (var i = 0u; i < ${GROUP / 4}u; i++) {
    low = min(low, values[start + i]);
    high = max(high, values[start + i]);
  }
  let least = min(min(low.x, low.y), min(low.z, low.w));
  let range = max(max(high.x, high.y), max(high.z, high.w)) - least;
  let smallest = 0x0400u;
  let largest = 0x7bffu;
  var bits = clamp(pack2x16float(vec2<f32>(min(range / ${LEVELS}.0 * 4096.0, 65504.0), 0.0)) & 0xffffu, smallest, largest);
  if (bits > smallest && scaleOfHalf(bits - 1u) * ${LEVELS}.0 >= range) { bits -= 1u; }
  if (bits < largest && scaleOfHalf(bits) * ${LEVELS}.0 < range) { bits += 1u; }
  let scale = scaleOfHalf(bits);
  let zero = clamp(steps(vec4<f32>(-least), scale).x, 0.0, ${LEVELS}.0);
  scales[to] = pack2x16float(vec2<f32>(scale * 4096.0, zero));
  for (var i = 0u; i < ${GROUP * BITS / 32}u; i++) {
#if BITS == 8
    let word = codesOf(values[start + i], scale, zero);
#else
    let low = codesOf(values[start + 2u * i], scale, zero);
    let word = low | (codesOf(values[start + 2u * i + 1u], scale, zero) << vec4<u32>(4u));
#endif
    codes[to * ${GROUP * BITS / 32}u + i] = word.x | (word.y << 8u) | (word.z << 16u) | (word.w << 24u);
  }
}
