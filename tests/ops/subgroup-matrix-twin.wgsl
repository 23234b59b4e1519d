// Stands in for shaders/lib/subgroup-matrix.wgsl where no adapter has subgroup matrices: the same functions in plain
// WGSL. A factor is its place in workgroup memory; so are sums, of which each lane has every LANES-th. Loops are counted
// by numbers the compiler does not know: lavapipe would unroll them, for minutes.
#if HALF
enable f16;
#endif
alias Left = u32;
alias Right = u32;
alias Sums = u32;

var<workgroup> twinSums: array<f32, 4096>;

fn counted(n: u32) -> u32 { return select(0u, n, p.rows > 0u); }

fn noSums(subgroup: u32, index: u32) -> Sums {
  let sums = subgroup * 1024u + index * ${M * N}u;
  for (var e = lane; e < counted(${M * N}u); e += ${LANES}u) { twinSums[sums + e] = 0.0; }
  return sums;
}

fn loadLeft(at: u32) -> Left { return at; }

fn loadRight(at: u32) -> Right { return at; }

fn multiplied(left: Left, right: Right, sums: Sums) -> Sums {
  for (var e = lane; e < counted(${M * N}u); e += ${LANES}u) {
    let row = e / ${N}u;
    let col = e % ${N}u;
    var sum = twinSums[sums + e];
    for (var k = 0u; k < counted(${K}u); k++) {
#if TN
      let xv = xs[left + k * ${XS}u + row];
#else
      let xv = xs[left + row * ${XS}u + k];
#endif
#if NT
      let wv = ws[right + col * ${WS}u + k];
#else
      let wv = ws[right + k * ${WS}u + col];
#endif
      sum += f32(xv) * f32(wv);
    }
    twinSums[sums + e] = sum;
  }
  return sums;
}

fn scaled(sums: Sums, factor: f32) -> Sums {
  for (var e = lane; e < counted(${M * N}u); e += ${LANES}u) { twinSums[sums + e] *= factor; }
  return sums;
}

fn storeSums(at: u32, sums: Sums) {
  for (var e = lane; e < counted(${M * N}u); e += ${LANES}u) {
    outs[at + e / ${N}u * 32u + e % ${N}u] = twinSums[sums + e];
  }
}
