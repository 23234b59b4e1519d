    // Keys that any query of the tile sees in this part of its ranges; the same in all invocations, so all may wait.
    var first = 0xffffffffu;
    var to = 0u;
    for (var i = tile.x * ${QUERIES}u; i < min((tile.x + 1u) * ${QUERIES}u, p.Tq); i++) {
      let range = rangeOf(i, part);
      if (range.x < range.y) {
        first = min(first, range.x);
        to = max(to, range.y);
      }
    }
#for i in 0..4
    let range${i} = select(vec2<u32>(), rangeOf(c${i}, part), mine${i});
#end
    let lo = vec4<u32>(range0.x, range1.x, range2.x, range3.x);
    let hi = vec4<u32>(range0.y, range1.y, range2.y, range3.y);
