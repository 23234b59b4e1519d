    // Row r, of which x and y were loaded, into its registers; held rows are a (of q or k) and b (of dO or v).
#for r in 0..ROWS
    if (r == ${r}u) {
#for c in 0..COLUMNS
      a${r}_${c} = x${c};
      b${r}_${c} = y${c};
#end
    }
#end
