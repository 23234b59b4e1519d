      // s [ROWS, 32] = left · rightᵀ. Slices of 16 dimensions pass through workgroup memory, rows padded from 4 quads to 5
      // against bank conflicts. An invocation has TM rows and every eighth of 32 columns. Backwards a second product,
      // dw, is made by the same code: what compiling costs is the code that touches memory.
#for i in 0..TM
#for j in 0..4
      var s${i}_${j} = 0.0;
#if PRODUCTS == 2
      var dw${i}_${j} = 0.0;
#endif
#end
#end
#if PRODUCTS == 2
      for (var product = 0u; product < ${TWO}; product++) {
#for i in 0..TM
#for j in 0..4
        s${i}_${j} = dw${i}_${j};
        dw${i}_${j} = 0.0;
#end
#end
#else
      {
        let product = 0u;
#endif
        for (var d = 0u; d < ${QUADS}u; d += 4u) {
          let quad = d + local % 4u;
          let inside = min(quad, ${QUADS - 1}u);
          workgroupBarrier();
#for n in 0..TM/2
          lefts[(local / 4u + ${32 * n}u) * 5u + local % 4u] = left(product, leftAt${n} + vec2<u32>(0u, inside));
#end
          let b = right(product, rightAt + vec2<u32>(0u, inside));
          rights[(local / 4u) * 5u + local % 4u] = select(vec4<f32>(), b, quad < ${QUADS}u);
          workgroupBarrier();
          for (var x = 0u; x < ${SLICE}; x++) {
#for i in 0..TM
            let a${i} = lefts[(ty * ${TM}u + ${i}u) * 5u + x];
#end
#for j in 0..4
            {
              let b = rights[(tx + ${8 * j}u) * 5u + x];
#for i in 0..TM
#if PRODUCTS == 2
              dw${i}_${j} = fma(a${i}.w, b.w, fma(a${i}.z, b.z, fma(a${i}.y, b.y, fma(a${i}.x, b.x, dw${i}_${j}))));
#else
              s${i}_${j} = fma(a${i}.w, b.w, fma(a${i}.z, b.z, fma(a${i}.y, b.y, fma(a${i}.x, b.x, s${i}_${j}))));
#endif
#end
            }
#end
          }
        }
      }
