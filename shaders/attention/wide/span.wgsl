    // Keys that any query of the tile sees in this part of its ranges.
    var first = 0xffffffffu;
    var to = 0u;
#for i in 0..QUERIES
    let range${i} = rangeOf(c${i}, part);
    let lo${i} = range${i}.x;
    let hi${i} = select(0u, range${i}.y, t${i} < p.Tq);
    if (lo${i} < hi${i}) {
      first = min(first, lo${i});
      to = max(to, hi${i});
    }
#end
