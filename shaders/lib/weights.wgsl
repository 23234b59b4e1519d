// Frozen weights `w` [rows, columns], four neighbours of a row at a time: element 4·at … 4·at + 3 in row order.
//
// BITS 32  f32
// BITS 16  halves, two to a u32 (readable without shader-f16)
// BITS 8   codes, four to a u32; w = scale · (code − zero), scale and zero of GROUP neighbours in `scales`
// BITS 4   the same, eight to a u32: code i < 4 in bits 8i …, code 4 + i in bits 8i + 4 …, so that one mask unpacks four
// NF4      BITS 4 whose codes stand for quantiles of a normal distribution (QLoRA, arXiv 2305.14314) times the largest
//          value of 64 neighbours, which is itself a code of 8 bits: see quant/nf4-scales.wgsl
#if BITS == 32
fn weightAt(at: u32) -> vec4<f32> { return w[at]; }
#elif BITS == 16 && WORDWISE
fn weightAt(at: u32) -> vec4<f32> {
  let word = w[at];
  return vec4<f32>(unpack2x16float(word.x), unpack2x16float(word.y));
}
#elif BITS <= 8
#if NF4
#include nf4
#if HELD
// Lanes hold the values and look them up in each other. Every lane must reach every call, holdQuantiles first.
#for part in 0..16 / LANES
var<private> quantiles${part}: f32;
#end

fn holdQuantiles(lane: u32) {
#for part in 0..16 / LANES
  quantiles${part} = NF4_VALUES[${part * LANES}u + lane];
#end
}

fn quantile(code: u32) -> f32 {
  var value = subgroupShuffle(quantiles0, code % ${LANES}u);
#for part in 1..16 / LANES
  value = select(value, subgroupShuffle(quantiles${part}, code % ${LANES}u), code >= ${part * LANES}u);
#end
  return value;
}
#else
fn quantile(code: u32) -> f32 { return NF4_VALUES[code]; }
#endif
fn scaleOf(group: u32) -> vec2<f32> {
  let at = 257u + (group / 256u) * 65u;
  let code = (scales[at + 1u + (group % 256u) / 4u] >> (8u * (group % 4u))) & 255u;
  return vec2<f32>(bitcast<f32>(scales[code]) * bitcast<f32>(scales[at]) + bitcast<f32>(scales[256]), 0.0);
}
fn decoded(code: u32, scale: vec2<f32>) -> f32 { return quantile(code) * scale.x; }
fn decoded4(code: vec4<u32>, scale: vec2<f32>) -> vec4<f32> {
  return vec4<f32>(quantile(code.x), quantile(code.y), quantile(code.z), quantile(code.w)) * scale.x;
}
#else
// Scales are stored 4096 times as large, so that none is a subnormal half.
fn scaleOf(group: u32) -> vec2<f32> { return unpack2x16float(scales[group]) * vec2<f32>(0x1p-12, 1.0); }
fn decoded(code: u32, scale: vec2<f32>) -> f32 { return (f32(code) - scale.y) * scale.x; }
fn decoded4(code: vec4<u32>, scale: vec2<f32>) -> vec4<f32> { return (vec4<f32>(code) - scale.y) * scale.x; }
#endif
// Four codes from a word's low bits.
fn codesIn(word: u32) -> vec4<u32> {
  return (vec4<u32>(word) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(${MASK}u);
}
// Codes taken out of a word without a shift, which SwiftShader does lane by lane: `mask` tells the code's place, `factor`
// undoes it. Where the mask has the highest bit, the number is not made from an i32, which would be dearer.
fn placed(word: u32, mask: u32, factor: f32) -> f32 { return f32(bitcast<i32>(word & mask)) * factor; }
fn placedHighest(word: u32, mask: u32, factor: f32) -> f32 { return f32(word & mask) * factor; }
fn decodedPlaced(code: f32, scale: vec2<f32>) -> f32 {
#if NF4
  return decoded(bitcast<u32>(code + 0x1p23) & 15u, scale);
#else
  return (code - scale.y) * scale.x;
#endif
}
// Four codes at `low` times 1, 2⁸, 2¹⁶ and 2²⁴.
fn decoded4Placed(word: u32, low: u32, scale: vec2<f32>) -> vec4<f32> {
  let mask = ${MASK}u * low;
  let factor = 1.0 / f32(low);
  return vec4<f32>(
    decodedPlaced(placed(word, mask, factor), scale),
    decodedPlaced(placed(word, mask << 8u, factor * 0x1p-8), scale),
    decodedPlaced(placed(word, mask << 16u, factor * 0x1p-16), scale),
    decodedPlaced(placedHighest(word, mask << 24u, factor * 0x1p-24), scale),
  );
}
#if WORDWISE
fn weightAt(at: u32) -> vec4<f32> {
#if BITS == 8
  let codes = codesIn(w[at]);
#else
  let codes = codesIn(w[at / 2u] >> (4u * (at % 2u)));
#endif
  return decoded4(codes, scaleOf(at / ${GROUP / 4}u));
}
#endif
#endif
