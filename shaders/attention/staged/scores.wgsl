      // s${part} [ROWS, 32] = left · rightᵀ. Slices of 16 dimensions pass through workgroup memory, rows padded from 4
      // quads to 5 against bank conflicts. An invocation has TM rows and every eighth of 32 columns.
#for i in 0..TM
#for j in 0..4
      var s${part}_${i}_${j} = 0.0;
#end
#end
      for (var d = 0u; d < ${QUADS}u; d += 4u) {
        workgroupBarrier();
#for n in 0..TM/2
        lefts[(local / 4u + ${32 * n}u) * 5u + local % 4u] = left${part}(leftAt${part}_${n}, d + local % 4u);
#end
        rights[(local / 4u) * 5u + local % 4u] = right${part}(rightAt${part}, d + local % 4u);
        workgroupBarrier();
        for (var x = 0u; x < 4u; x++) {
#for i in 0..TM
          let a${i} = lefts[(ty * ${TM}u + ${i}u) * 5u + x];
#end
#for j in 0..4
          {
            let b = rights[(tx + ${8 * j}u) * 5u + x];
#for i in 0..TM
            s${part}_${i}_${j} += dot(a${i}, b);
#end
          }
#end
        }
      }
