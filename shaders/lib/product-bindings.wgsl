// What a product binds (its sizes are in Params, which stands before this):
//
//   NN  y [M, N] (+)= scale · x [M, K] · w [K, N]  (+ z [M, R] · b [R, N])
//   NT  y [M, N]   = x [M, K] · w [N, K]ᵀ (+ scale · z [M, R] · b [N, R]ᵀ) (+ bias [N]) (+ residual [M, N])
//   TN  y [K, N] (+)= scale · x [M, K]ᵀ · w [M, N]
//
// `rows` and `cols` are y's, `inner` is what is summed over. The weights may be some rows of a matrix. NT then writes
// columns first … first + cols of a y of `stride` columns; NN reads vec4s first … first + inner / 4 of an x of `stride`
// vec4s a row.
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<${X}>;
@group(0) @binding(2) var<storage, read> w: array<${W}>;
@group(0) @binding(3) var<storage, read_write> y: array<${Y}>;
#if BITS <= 8
@group(0) @binding(8) var<storage, read> scales: array<u32>;
#endif
#if LORA
@group(0) @binding(4) var<storage, read> z: array<${X}>;
@group(0) @binding(5) var<storage, read> b: array<${B}>;
#endif
#if BIAS
@group(0) @binding(6) var<storage, read> bias: array<${Y}>;
#endif
#if RESIDUAL
@group(0) @binding(7) var<storage, read> residual: array<${Y}>;
#endif
