// Products of subgroup matrices in the words of Chromium's experiment: [M, K] · [K, N] added to [M, N] sums in f32. This
// is the only place that names its builtins; where no adapter has them, tests put plain WGSL in its stead. Factors lie
// in xs and ws, rows of XS and WS apart: x by rows of the sum's steps (TN: by steps), w by steps (NT: by columns).
enable chromium_experimental_subgroup_matrix;
diagnostic(off, chromium.subgroup_matrix_uniformity);
#if HALF
enable f16;
#endif
alias Left = subgroup_matrix_left<${FACTOR}, ${K}, ${M}>;
alias Right = subgroup_matrix_right<${FACTOR}, ${N}, ${K}>;
alias Sums = subgroup_matrix_result<f32, ${N}, ${M}>;

// Number `index` of a subgroup's.
fn noSums(subgroup: u32, index: u32) -> Sums { return Sums(); }

fn loadLeft(at: u32) -> Left {
#if TN
  return subgroupMatrixLoad<Left, col_major>(&xs, at, ${XS}u);
#else
  return subgroupMatrixLoad<Left, row_major>(&xs, at, ${XS}u);
#endif
}

fn loadRight(at: u32) -> Right {
#if NT
  return subgroupMatrixLoad<Right, col_major>(&ws, at, ${WS}u);
#else
  return subgroupMatrixLoad<Right, row_major>(&ws, at, ${WS}u);
#endif
}

fn multiplied(left: Left, right: Right, sums: Sums) -> Sums { return subgroupMatrixMultiplyAccumulate(left, right, sums); }

fn scaled(sums: Sums, factor: f32) -> Sums { return subgroupMatrixScalarMultiply(sums, factor); }

// Into outs, in rows of 32.
fn storeSums(at: u32, sums: Sums) { subgroupMatrixStore<row_major>(&outs, at, sums, 32u); }
