// All three products, for adapters whose loads are dear beside their arithmetic (the software drivers: a load is done
// lane by lane, a broadcast is one instruction). One subgroup computes TM rows × V·LANES columns in named registers:
// each lane loads its own columns of w and a share of x, and hands that share to the others.
//
// With SWAP (four lanes) the lanes exchange their shares of x in pairs, which is one instruction on SwiftShader where a
// broadcast is six: what comes from lane l ^ d belongs to row l ^ d, so sum i of lane l is that of row i ^ l.
//
// A step is DEPTH terms of the sum: a vec4 of x in NN and NT, which `inner` counts; in TN they are loaded one by one, and
// `inner` counts terms. `first` and `stride` count vectors of y in NT, of x in NN. With fewer rows than lanes, LANES / TM steps are loaded at once.
// Past the edge, loads are clamped and nothing is stored.
//
// NT loads narrow weights a vec4 of words a lane (CHUNKED) and uses it up before the next. In NN with HELD (a
// shuffle is one instruction with 8 lanes on lavapipe, and dear elsewhere) lanes load the words of four rows together.
//
// What is optional is told by numbers, so that a model needs one such kernel and not eight to be compiled: no LoRA term
// is one of rank 0; `biased`, and `onto` (the residual in NT, y itself in the others), are 0 or 1. Bindings of what is
// not there are of no account.
enable subgroups;
#if SWAP
#include exchange
#endif
#if NT || BITS <= 8
#include weights
#endif
struct Params { rows: u32, cols: u32, inner: u32, R: u32, scale: f32, first: u32, stride: u32, biased: u32, onto: u32, strips: u32 }
#include product-bindings

@compute @workgroup_size(${LANES})
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
#if NF4 && HELD
  holdQuantiles(lane);
#endif
  let row0 = group.y * ${TM}u;
  let columns = p.cols / ${V}u;
  let col = group.x * ${LANES}u + lane;
  let column = min(col, columns - 1u);
#if !NT && BITS <= 8
  // Where this lane's codes lie within a row of them. The columns of all lanes share one group, and are all there.
  let code = ${V}u * column;
#if HELD
  let firstWord = group.x * ${WORDS}u;
  let word = ${V}u * lane / ${32 / BITS}u;
#endif
  let shift = 8u * (code % 4u) + 4u * (code / 4u % ${8 / BITS}u);
#if !HELD
  let codeWord = code / ${32 / BITS}u;
#endif
  let words = p.cols / ${32 / BITS}u;
  let scalesARow = p.cols / ${GROUP}u;
  let scaleRow = lane % ${DEPTH}u;
  let scaleGroup = group.x * ${V * LANES}u / ${GROUP}u;
#endif
#for s in 0..SHARES
  let share${s} = min(row0 + ${s * LANES}u + lane % ${TM}u, p.rows - 1u);
#end
  let ahead = lane / ${TM}u;
#for i in 0..TM
#for j in 0..V
  var c${i}_${j} = 0.0;
#end
#end

#for phase in 0..1+LORA
  {
#if LORA && phase == 1 - NT
    let steps = p.R / ${DEPTH}u;
#elif TN
    let steps = (p.inner + ${DEPTH - 1}u) / ${DEPTH}u;
#else
    let steps = p.inner;
#endif
#if NT
#if LORA && phase == 0
    let first = ${V}u * (p.first + column);
#else
    let first = ${V}u * column;
#endif
#for j in 0..V
    let start${j} = (first + ${j}u) * steps;
#end
#endif
#if CHUNKED && !(LORA && phase == 0)
    for (var chunk = 0u; chunk < steps; chunk += ${CHUNK * CHUNKS}u) {
#for j in 0..V
#if BITS <= 8
    let scale${j} = scaleOf((start${j} + chunk) / ${GROUP / 4}u);
#endif
#for l in 0..CHUNKS
    var codes${j}_${l} = w[(start${j} + chunk) / ${CHUNK}u + ${l}u];
#end
#end
#if STEPS < CHUNK
    for (var k = chunk; k < chunk + ${CHUNK}u; k += ${STEPS}u) {
#else
    let k = chunk;
#endif
#else
    for (var k = 0u; k < steps; k += ${STEPS}u) {
#endif
#for s in 0..SHARES
#if TN
#for q in 0..DEPTH
      let m${s}_${q} = ${DEPTH}u * (k + ahead) + ${q}u;
      var x${s}_${q} = x[min(m${s}_${q}, p.inner - 1u) * p.rows + share${s}];
#if STEPS * DEPTH > 1
      if (m${s}_${q} >= p.inner) { x${s}_${q} = 0.0; }
#endif
#end
#elif LORA && phase == 1 - NT
      var x${s} = z[share${s} * steps + min(k + ahead, steps - 1u)];
#elif NT
      var x${s} = x[share${s} * steps + min(k + ahead, steps - 1u)];
#else
      var x${s} = x[share${s} * p.stride + p.first + min(k + ahead, steps - 1u)];
#endif
#if !TN && STEPS > 1
      if (k + ahead >= steps) { x${s} = ${X}(); }
#endif
#end
#for t in 0..STEPS
#if STEPS > 1
      let at${t} = min(k + ${t}u, steps - 1u);
#else
      let at${t} = k;
#endif
#if NT
#for j in 0..V
#if LORA && phase == 0
      let w${t}_${j} = b[start${j} + at${t}];
#else
#if !CHUNKED
      let w${t}_${j} = weightAt(start${j} + at${t});
#elif BITS == 16
      let w${t}_${j} = vec4<f32>(unpack2x16float(codes${j}_${t / CHUNK}[${t % CHUNK * 2}]), unpack2x16float(codes${j}_${t / CHUNK}[${t % CHUNK * 2 + 1}]));
#elif STEPS * BITS == 4
#if HELD
      let w${t}_${j} = decoded4(codesIn(codes${j}_0.x >> (4u * (k % 2u))), scale${j});
#else
      let w${t}_${j} = decoded4Placed(codes${j}_0.x * select(16u, 1u, (k & 1u) == 1u), 16u, scale${j});
#endif
#elif !HELD
      let w${t}_${j} = decoded4Placed(codes${j}_${t / CHUNK}[${t % CHUNK * BITS / 8}], 1u << ${t % (8 / BITS) * 4}u, scale${j});
#else
      let w${t}_${j} = decoded4(codesIn(codes${j}_${t / CHUNK}[${t % CHUNK * BITS / 8}] >> ${t % (8 / BITS) * 4}u), scale${j});
#endif
#endif
#end
#endif
#if !NT && BITS <= 8 && !(LORA && phase == 1)
      let scaled${t} = (${DEPTH}u * at${t} + scaleRow) * scalesARow + scaleGroup;
      let scale${t} = scaleOf(scaled${t});
#if HELD
#for l in 0..(DEPTH * WORDS + LANES - 1) / LANES
      let words${t}_${l} = w[(${DEPTH}u * at${t} + (${l * LANES}u + lane) / ${WORDS}u % ${DEPTH}u) * words + firstWord + lane % ${WORDS}u];
#end
#endif
#endif
#for q in 0..DEPTH
#if !NT
#if LORA && phase == 1
      let w${t}${q} = b[(${DEPTH}u * at${t} + ${q}u) * columns + column];
#elif TN
      let w${t}${q} = w[min(${DEPTH}u * at${t} + ${q}u, p.inner - 1u) * columns + column];
#elif BITS == 32
      let w${t}${q} = w[(${DEPTH}u * at${t} + ${q}u) * columns + column];
#elif BITS <= 8
#if !HELD
      let h${t}${q} = w[(${DEPTH}u * at${t} + ${q}u) * words + codeWord] >> shift;
#elif WORDS == 1
      let h${t}${q} = subgroupBroadcast(words${t}_${q / LANES}, ${q % LANES}u) >> shift;
#else
      let h${t}${q} = subgroupShuffle(words${t}_${q * WORDS / LANES}, ${q * WORDS % LANES}u + word) >> shift;
#endif
      let s${t}${q} = subgroupBroadcast(scale${t}, ${q}u);
      let w${t}${q} = ${B}(
#for j in 0..V
        decoded((h${t}${q} >> ${8 * j}u) & ${MASK}u, s${t}${q}),
#end
      );
#elif V == 2
      let w${t}${q} = unpack2x16float(w[(${DEPTH}u * at${t} + ${q}u) * columns + column]);
#else
      let h${t}${q} = w[(${DEPTH}u * at${t} + ${q}u) * columns + column];
      let w${t}${q} = vec4<f32>(unpack2x16float(h${t}${q}.x), unpack2x16float(h${t}${q}.y));
#endif
#endif
#end
#for i in 0..TM
#for q in 0..DEPTH
#if TN
      let own${t}${q}_${i} = x${i / LANES}_${q};
#else
      let own${t}${q}_${i} = x${i / LANES}[${q}];
#endif
#if !SWAP
      let x${t}${q}_${i} = subgroupBroadcast(own${t}${q}_${i}, ${(t * TM + i) % LANES}u);
#else
      let x${t}${q}_${i} = exchanged${i % 4}(own${t}${q}_${i});
#endif
#end
#for j in 0..V
#for q in 0..DEPTH
#if NT
      c${i}_${j} = fma(x${t}${q}_${i}, w${t}_${j}[${q}], c${i}_${j});
#elif V == 1
      c${i}_${j} = fma(x${t}${q}_${i}, w${t}${q}, c${i}_${j});
#else
      c${i}_${j} = fma(x${t}${q}_${i}, w${t}${q}[${j}], c${i}_${j});
#endif
#end
#end
#end
#end
#if CHUNKED && !(LORA && phase == 0)
#if STEPS < CHUNK
#for j in 0..V
#if STEPS * BITS == 4
      codes${j}_0 = select(codes${j}_0, codes${j}_0.yzwx, (k & 1u) == 1u);
#elif STEPS * BITS == 8
      codes${j}_0 = codes${j}_0.yzwx;
#else
      codes${j}_0 = codes${j}_0.zwxy;
#endif
#end
    }
#endif
#endif
    }
  }
#if phase == 0 && (!NT || LORA)
#for i in 0..TM
#for j in 0..V
  c${i}_${j} *= p.scale;
#end
#end
#endif
#end

#if NT
  let pitch = p.stride;
  let place = p.first + column;
  var added = ${Y}();
  if (p.biased != 0u) { added = bias[place]; }
#else
  let pitch = columns;
  let place = column;
#endif
  // Sums leave in strips of rows, as many as a number says lest Mesa unroll them: the fewer accesses to memory stand in
  // the code, the sooner it is compiled.
  for (var strip = 0u; strip < p.strips; strip++) {
#for i in 0..STRIP
#for j in 0..V
    var e${i}_${j} = c${i}_${j};
#end
#end
#for h in 1..TM / STRIP
    if (strip == ${h}u) {
#for i in 0..STRIP
#for j in 0..V
      e${i}_${j} = c${h * STRIP + i}_${j};
#end
#end
    }
#end
#for i in 0..STRIP
#if SWAP
    let y${i} = row0 + ((${STRIP}u * strip + ${i}u) ^ lane);
#else
    let y${i} = row0 + ${STRIP}u * strip + ${i}u;
#endif
    var sum${i} = ${Y}(
#for j in 0..V
      e${i}_${j},
#end
    );
#if NT
    sum${i} += added;
#endif
#end
    // Lanes past the edge must not read what others write.
    if (p.onto != 0u && col < columns) {
#for i in 0..STRIP
#if NT
      sum${i} += residual[min(y${i}, p.rows - 1u) * pitch + place];
#else
      sum${i} += y[min(y${i}, p.rows - 1u) * pitch + place];
#endif
#end
    }
#for i in 0..STRIP
    if (y${i} < p.rows && col < columns) { y[y${i} * pitch + place] = sum${i}; }
#end
  }
}
