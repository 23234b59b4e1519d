    // Keys that any query of the tile sees in this part of its ranges.
    var first = 0xffffffffu;
    var to = 0u;
#for i in 0..QUERIES
#if SPLIT
    // Of each part of its ranges a workgroup takes a stretch of whole tiles.
    let whole${i} = rangeOf(c${i}, part);
    let stretch${i} = (max(whole${i}.y, whole${i}.x) - whole${i}.x + ${LANES * KEYS}u * p.stretches - 1u) / (${LANES * KEYS}u * p.stretches) * ${LANES * KEYS}u;
    let from${i} = min(whole${i}.x + tile.z * stretch${i}, whole${i}.y);
    let range${i} = vec2<u32>(from${i}, min(from${i} + stretch${i}, whole${i}.y));
#else
    let range${i} = rangeOf(c${i}, part);
#endif
    let lo${i} = range${i}.x;
    let hi${i} = select(0u, range${i}.y, t${i} < p.Tq);
    if (lo${i} < hi${i}) {
      first = min(first, lo${i});
      to = max(to, hi${i});
    }
#end
