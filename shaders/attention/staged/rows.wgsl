  // Rows are neighbouring queries, and heads that share keys. Rows past the tile's, and queries past the end, repeat the
  // last one and see nothing.
  let firstHead = tile.y * ${HEADS}u;
  let column = (firstHead / p.group) * ${QUADS}u;
#for i in 0..TM
  let row${i} = min(ty * ${TM}u + ${i}u, ${QUERIES * HEADS - 1}u);
  let t${i} = tile.x * ${QUERIES}u + row${i} / ${HEADS}u;
  let c${i} = min(t${i}, p.Tq - 1u);
  let head${i} = firstHead + row${i} % ${HEADS}u;
  let mine${i} = ty * ${TM}u + ${i}u < ${QUERIES * HEADS}u && t${i} < p.Tq;
#for c in 0..COLUMNS
  var o${i}_${c} = vec4<f32>();
#end
#end
  // Row and first column of the queries that this invocation stages.
#for n in 0..TM/2
  let staged${n} = min(local / 4u + ${32 * n}u, ${QUERIES * HEADS - 1}u);
  let leftAt${n} = vec2<u32>(min(tile.x * ${QUERIES}u + staged${n} / ${HEADS}u, p.Tq - 1u), (firstHead + staged${n} % ${HEADS}u) * ${QUADS}u);
#end
