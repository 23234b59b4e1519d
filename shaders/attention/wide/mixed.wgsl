      // o += w · rows of MIXED (k or v): a lane owns columns of the sums, and hands its weights round.
#if !SUBGROUPS
      workgroupBarrier();
#for r in 0..ROWS
#for n in 0..KEYS
      weights[${(r * KEYS + n) * LANES}u + lane] = w${r}_${n};
#end
#end
      workgroupBarrier();
#endif
      for (var j = 0u; j < ${LANES}u; j++) {
#for n in 0..KEYS
        {
          let row = p.${MIXED}Offset + min(base + ${n * LANES}u + j, to - 1u) * p.${MIXED}Stride + kvColumn;
#for c in 0..COLUMNS
#if VW == 4
          let x${c} = ${MIXED}[row + ${c * LANES}u + lane];
#else
          let at${c} = min(${c * LANES}u + lane, ${D - 1}u);
          let x${c} = ${MIXED}[row + at${c} / 4u][at${c} % 4u];
#endif
#end
#for r in 0..ROWS
#if SUBGROUPS
          let w${r} = subgroupShuffle(w${r}_${n}, j);
#else
          let w${r} = weights[${(r * KEYS + n) * LANES}u + j];
#endif
#for c in 0..COLUMNS
          o${r}_${c} += w${r} * x${c};
#end
#end
        }
#end
      }
