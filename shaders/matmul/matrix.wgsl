// All three products by subgroup matrices: a workgroup of 2 × 2 subgroups computes 64 rows × 64 columns, a subgroup 32
// × 32 of them in results of M × N. Tiles of x and w, 16 steps deep, are staged in workgroup memory; past the edge they
// hold zeros, and nothing is stored. Sums are in f32.
//
// HALF: the adapter multiplies halves. Each number is then split in two, high (its first 11 bits) and low (v − high),
// and x·w becomes high·high + low·high + high·low: 22 bits of what is not very small. Numbers past 65,504 are cut off
// there. So this is for activations and weights, not for gradients. Weights that are halves have no low
// part; a LoRA term's b, which begins at zero, is multiplied by 1024 on its way in and divided on its way out.
#include subgroup-matrix
#include product

var<workgroup> xs: array<${FACTOR}, ${XSIZE * (1 + HALF)}>;
var<workgroup> ws: array<${FACTOR}, ${WSIZE * (1 + HALF * (BITS != 16 || LORA))}>;
var<workgroup> outs: array<f32, ${4 * M * 32}>;
var<private> lane: u32;

#if HALF
fn held(v: vec4<f32>) -> vec4<f32> { return clamp(v, vec4<f32>(-65504.0), vec4<f32>(65504.0)); }

// By its bits: v − f32(f16(v)) is zero to a compiler that takes conversions for exact (Mesa's does).
fn high(v: vec4<f32>) -> vec4<f32> { return bitcast<vec4<f32>>(bitcast<vec4<u32>>(v) & vec4<u32>(0xffffe000u)); }
#endif

fn putX(at: u32, v: vec4<f32>) {
#if HALF
  let all = held(v);
  let first = high(all);
#endif
#for q in 0..4
#if HALF
  xs[at + ${q}u] = f16(first[${q}]);
  xs[${XSIZE + q}u + at] = f16(all[${q}] - first[${q}]);
#else
  xs[at + ${q}u] = v[${q}];
#endif
#end
}

fn putW(at: u32, v: vec4<f32>) {
#if HALF
  let all = held(v);
  let first = high(all);
#endif
#for q in 0..4
#if HALF
  ws[at + ${q}u] = f16(first[${q}]);
#if BITS != 16 || LORA
  ws[${WSIZE + q}u + at] = f16(all[${q}] - first[${q}]);
#endif
#else
  ws[at + ${q}u] = v[${q}];
#endif
#end
}

@compute @workgroup_size(${4 * LANES})
fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) group: vec3<u32>) {
  lane = local % ${LANES}u;
  // Lanes with neighbouring numbers are taken for a subgroup, as they are in workgroups of one dimension.
  let subgroup = local / ${LANES}u;
  let row0 = group.y * 64u;
  let col0 = group.x * 64u;
  let down = subgroup / 2u * 32u;
  let across = subgroup % 2u * 32u;
#for i in 0..32/M
#for j in 0..32/N
  var c${i}_${j} = noSums(subgroup, ${i * (32 / N) + j}u);
#end
#end

#for phase in 0..1+LORA
  {
    let first = begin${phase}(group.z);
    let end = end${phase}(group.z);
    for (var k = first; k < end; k += 16u) {
      workgroupBarrier();
      for (var i = local; i < 256u; i += ${4 * LANES}u) {
        let along = 4u * (i % 4u);
        let over = 4u * (i % 16u);
#if TN
        putX(i / 16u * ${XS}u + over, leftWithin${phase}(row0 + over, k + i / 16u, end));
#else
        putX(i / 4u * ${XS}u + along, leftWithin${phase}(row0 + i / 4u, k + along, end));
#endif
#if NT
        var wv = rightWithin${phase}(col0 + i / 4u, k + along, end);
#if HALF && LORA && phase == 0
        wv *= 1024.0;
#endif
        putW(i / 4u * ${WS}u + along, wv);
#else
        putW(i / 16u * ${WS}u + over, rightWithin${phase}(col0 + over, k + i / 16u, end));
#endif
      }
      workgroupBarrier();
      for (var s = 0u; s < 16u; s += ${K}u) {
#for i in 0..32/M
#if TN
        let atX${i} = s * ${XS}u + down + ${i * M}u;
#else
        let atX${i} = (down + ${i * M}u) * ${XS}u + s;
#endif
        let x${i} = loadLeft(atX${i});
#if HALF
        let low${i} = loadLeft(${XSIZE}u + atX${i});
#endif
#end
#for j in 0..32/N
#if NT
        let atW${j} = (across + ${j * N}u) * ${WS}u + s;
#else
        let atW${j} = s * ${WS}u + across + ${j * N}u;
#endif
        let w${j} = loadRight(atW${j});
#for i in 0..32/M
        c${i}_${j} = multiplied(x${i}, w${j}, c${i}_${j});
#if HALF
        c${i}_${j} = multiplied(low${i}, w${j}, c${i}_${j});
#endif
#end
#if HALF && (BITS != 16 || (LORA && phase == 1 - NT))
        let lowW${j} = loadRight(${WSIZE}u + atW${j});
#for i in 0..32/M
        c${i}_${j} = multiplied(x${i}, lowW${j}, c${i}_${j});
#end
#endif
#end
      }
    }
  }
#if phase == 0 && (!NT || LORA)
#for i in 0..32/M
#for j in 0..32/N
#if HALF && LORA
  c${i}_${j} = scaled(c${i}_${j}, p.scale * 0x1p-10);
#else
  c${i}_${j} = scaled(c${i}_${j}, p.scale);
#endif
#end
#end
#endif
#end

  // Each subgroup hands its rows out by a place of its own in workgroup memory.
  let out = subgroup * ${M * 32}u;
#for i in 0..32/M
  workgroupBarrier();
#for j in 0..32/N
  storeSums(out + ${j * N}u, c${i}_${j});
#end
  workgroupBarrier();
#if NT
  for (var e = lane; e < ${M * 32}u; e += ${LANES}u) {
    let row = row0 + down + ${i * M}u + e / 32u;
    let col = col0 + across + e % 32u;
    if (row < p.rows && col < p.cols) { store(row, col, outs[out + e]); }
  }
#else
  for (var e = 4u * lane; e < ${M * 32}u; e += ${4 * LANES}u) {
    let row = row0 + down + ${i * M}u + e / 32u;
    let col = col0 + across + e % 32u;
    if (row < p.rows && col < p.cols) {
      store4(row, col, group.z, vec4<f32>(outs[out + e], outs[out + e + 1u], outs[out + e + 2u], outs[out + e + 3u]));
    }
  }
#endif
#end
}
