// Products of the held rows with the row walked, a_ and b_: score and dw of the row that this lane keeps.
#for r in 0..ROWS
#for c in 0..COLUMNS
#if VW == 4
      let s${r}_${c} = dot(a${r}_${c}, a_${c});
      let d${r}_${c} = dot(b${r}_${c}, b_${c});
#else
      let s${r}_${c} = a${r}_${c} * a_${c};
      let d${r}_${c} = b${r}_${c} * b_${c};
#endif
#end
      var s${r} = s${r}_0;
      var d${r} = d${r}_0;
#for c in 1..COLUMNS
      s${r} += s${r}_${c};
      d${r} += d${r}_${c};
#end
#end
#for s in 0..SETS
      let score${s} = rowSums(
#for r in 0..PER
        s${s * PER + r},
#end
      );
      let dw${s} = rowSums(
#for r in 0..PER
        d${s * PER + r},
#end
      );
#end
