// NT for a handful of rows on GPUs (decoding), at most TM. Weights are read once, by 32 neighbouring invocations a row of
// them, and used for every row of x; each invocation has TC rows of weights, all of whose loads are on their way at the
// same time. A workgroup of 64 gives 2·TC columns.
//
// CHUNK vec4s of weights are taken in one load: 2 of narrow weights where the sum is long enough, so that a load has 16
// bytes of halves, 8 of bytes, 4 of half bytes.
#include product

var<workgroup> sums: array<f32, ${64 * TM * TC}>;

#if CHUNK == 2
#if BITS == 16
fn weights8(word: vec4<u32>, part: u32, at: u32) -> vec4<f32> {
  let pair = select(word.xy, word.zw, part == 1u);
  return vec4<f32>(unpack2x16float(pair.x), unpack2x16float(pair.y));
}
#elif BITS == 8
fn weights8(word: vec2<u32>, part: u32, at: u32) -> vec4<f32> {
  return decoded4(codesIn(select(word.x, word.y, part == 1u)), scaleOf(at / ${GROUP / 4}u));
}
#else
fn weights8(word: u32, part: u32, at: u32) -> vec4<f32> {
  return decoded4(codesIn(word >> (4u * part)), scaleOf(at / ${GROUP / 4}u));
}
#endif
fn weightAt(at: u32) -> vec4<f32> { return weights8(w[at / 2u], at % 2u, at); }
#endif

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) group: vec3<u32>) {
  let lane = local % 32u;
  let first = (group.y * 65535u + group.x) * ${2 * TC}u + local / 32u;
#for j in 0..TC
  let col${j} = min(first + ${2 * j}u, p.cols - 1u);
#end
#for i in 0..TM
  let row${i} = min(${i}u, p.rows - 1u);
#for j in 0..TC
  var c${i}_${j} = 0.0;
#end
#end
#for phase in 0..1+LORA
#if CHUNK == 2 && phase == LORA * NT
  for (var k = 8u * lane; k < end${phase}(0u); k += 256u) {
#for j in 0..TC
    let at${j} = (col${j} * p.inner + k) / 4u;
    let word${j} = w[at${j} / 2u];
#end
#for part in 0..2
    {
#for j in 0..TC
      let w${j} = weights8(word${j}, ${part}u, at${j});
#end
#for i in 0..TM
      let x${i} = left${phase}(row${i}, k + ${4 * part}u);
#for j in 0..TC
      c${i}_${j} = fma(x${i}.w, w${j}.w, fma(x${i}.z, w${j}.z, fma(x${i}.y, w${j}.y, fma(x${i}.x, w${j}.x, c${i}_${j}))));
#end
#end
    }
#end
  }
#else
  for (var k = 4u * lane; k < end${phase}(0u); k += 128u) {
#for j in 0..TC
    let w${j} = right${phase}(col${j}, k);
#end
#for i in 0..TM
    let x${i} = left${phase}(row${i}, k);
#for j in 0..TC
    c${i}_${j} = fma(x${i}.w, w${j}.w, fma(x${i}.z, w${j}.z, fma(x${i}.y, w${j}.y, fma(x${i}.x, w${j}.x, c${i}_${j}))));
#end
#end
  }
#endif
#if LORA && phase == 0
#for i in 0..TM
#for j in 0..TC
  c${i}_${j} *= p.scale;
#end
#end
#endif
#end
#for i in 0..TM
#for j in 0..TC
  sums[${64 * (TC * i + j)}u + local] = c${i}_${j};
#end
#end
  workgroupBarrier();
  // Invocation t sums column t % 2·TC of row t / 2·TC, beginning where its neighbours do not, against bank conflicts.
  for (var t = local; t < ${2 * TC * TM}u; t += 64u) {
    let row = t / ${2 * TC}u;
    let column = t % ${2 * TC}u;
    let start = 64u * (row * ${TC}u + column / 2u) + 32u * (column % 2u);
    var v = 0.0;
    for (var l = 0u; l < 32u; l++) { v += sums[start + (l + t) % 32u]; }
    let out = (group.y * 65535u + group.x) * ${2 * TC}u + column;
    if (row < p.rows && out < p.cols) { store(row, out, v); }
  }
}
