      // o += weights · rows: weights [32, ROWS] change hands in workgroup memory, and eight rows at a time are staged. An
      // invocation has the same TM rows as in the scores, and every eighth quad of columns.
      workgroupBarrier();
#for j in 0..4
      weights[(tx + ${8 * j}u) * 16u + ty] = w${j};
#end
      for (var c = 0u; c < min(32u, to - base); c += ${EIGHT}) {
        workgroupBarrier();
        for (var n = local; n < ${8 * QUADS}u; n += 128u) {
          lefts[n] = mixed(mix, vec2<u32>(min(base + c + n / ${QUADS}u, to - 1u), column + n % ${QUADS}u));
        }
        workgroupBarrier();
        for (var j = 0u; j < ${EIGHT}; j++) {
          let w = weights[(c + j) * 16u + ty];
#for c in 0..COLUMNS
          {
            let x = lefts[j * ${QUADS}u + at${c}];
#for i in 0..TM
            o${i}_${c} = fma(vec4<f32>(w[${i}]), x, o${i}_${c});
#end
          }
#end
        }
      }
