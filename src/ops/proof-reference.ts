/** References of the self-proof, in f64 and as plainly as the formulas are written. Outputs come in the order of the cases. */

type Values = ArrayLike<number>;

/** [n, m] of a function of row and column. */
function matrix(n: number, m: number, of: (i: number, j: number) => number): Float64Array {
  const out = new Float64Array(n * m);
  for (let i = 0; i < n; i++) for (let j = 0; j < m; j++) out[i * m + j] = of(i, j);
  return out;
}

function sum(count: number, of: (i: number) => number): number {
  let total = 0;
  for (let i = 0; i < count; i++) total += of(i);
  return total;
}

/** y = x·wᵀ + s·(x·aᵀ)·bᵀ, and the gradients of x, a and b. */
export function linear(
  x: Values,
  w: Values,
  a: Values,
  b: Values,
  dy: Values,
  { T, K, N, R, scale }: { T: number; K: number; N: number; R: number; scale: number },
): Float64Array[] {
  const z = matrix(T, R, (t, r) => sum(K, (k) => x[t * K + k]! * a[r * K + k]!));
  const u = matrix(T, R, (t, r) => scale * sum(N, (n) => dy[t * N + n]! * b[n * R + r]!));
  return [
    matrix(
      T,
      N,
      (t, n) => sum(K, (k) => x[t * K + k]! * w[n * K + k]!) + scale * sum(R, (r) => z[t * R + r]! * b[n * R + r]!),
    ),
    matrix(
      T,
      K,
      (t, k) => sum(N, (n) => dy[t * N + n]! * w[n * K + k]!) + sum(R, (r) => u[t * R + r]! * a[r * K + k]!),
    ),
    matrix(R, K, (r, k) => sum(T, (t) => u[t * R + r]! * x[t * K + k]!)),
    matrix(N, R, (n, r) => scale * sum(T, (t) => dy[t * N + n]! * z[t * R + r]!)),
  ];
}

/** o, dq, dk, dv of causal attention with grouped heads. */
export function causalAttention(
  q: Values,
  k: Values,
  v: Values,
  dO: Values,
  { T, heads, kvHeads, D }: { T: number; heads: number; kvHeads: number; D: number },
): Float64Array[] {
  const [wide, narrow] = [heads * D, kvHeads * D];
  const [o, dq] = [new Float64Array(T * wide), new Float64Array(T * wide)];
  const [dk, dv] = [new Float64Array(T * narrow), new Float64Array(T * narrow)];
  const scale = 1 / Math.sqrt(D);
  for (let h = 0; h < heads; h++) {
    const [at, kv] = [h * D, Math.floor((h * kvHeads) / heads) * D];
    for (let t = 0; t < T; t++) {
      const score = (j: number) => scale * sum(D, (d) => q[t * wide + at + d]! * k[j * narrow + kv + d]!);
      const raw = Array.from({ length: t + 1 }, (_, j) => Math.exp(score(j)));
      const whole = raw.reduce((p, c) => p + c, 0);
      const p = raw.map((e) => e / whole);
      const dp = p.map((_, j) => sum(D, (d) => dO[t * wide + at + d]! * v[j * narrow + kv + d]!));
      const mean = sum(t + 1, (j) => p[j]! * dp[j]!);
      for (let j = 0; j <= t; j++) {
        const ds = p[j]! * (dp[j]! - mean) * scale;
        for (let d = 0; d < D; d++) {
          o[t * wide + at + d]! += p[j]! * v[j * narrow + kv + d]!;
          dq[t * wide + at + d]! += ds * k[j * narrow + kv + d]!;
          dk[j * narrow + kv + d]! += ds * q[t * wide + at + d]!;
          dv[j * narrow + kv + d]! += p[j]! * dO[t * wide + at + d]!;
        }
      }
    }
  }
  return [o, dq, dk, dv];
}

export function rmsNorm(
  x: Values,
  w: Values,
  dy: Values,
  { T, C, eps }: { T: number; C: number; eps: number },
): Float64Array[] {
  const inverse = Array.from({ length: T }, (_, t) => 1 / Math.sqrt(sum(C, (c) => x[t * C + c]! ** 2) / C + eps));
  const along = inverse.map((r, t) => (sum(C, (c) => dy[t * C + c]! * w[c]! * x[t * C + c]!) * r ** 3) / C);
  return [
    matrix(T, C, (t, c) => x[t * C + c]! * inverse[t]! * w[c]!),
    matrix(T, C, (t, c) => dy[t * C + c]! * w[c]! * inverse[t]! - along[t]! * x[t * C + c]!),
  ];
}

export function layerNorm(
  x: Values,
  w: Values,
  b: Values,
  dy: Values,
  { T, C, eps }: { T: number; C: number; eps: number },
): Float64Array[] {
  const means = Array.from({ length: T }, (_, t) => sum(C, (c) => x[t * C + c]!) / C);
  const inverse = means.map((mean, t) => 1 / Math.sqrt(sum(C, (c) => (x[t * C + c]! - mean) ** 2) / C + eps));
  const normed = (t: number, c: number) => (x[t * C + c]! - means[t]!) * inverse[t]!;
  const g = (t: number, c: number) => dy[t * C + c]! * w[c]!;
  const level = means.map((_, t) => sum(C, (c) => g(t, c)) / C);
  const along = means.map((_, t) => sum(C, (c) => g(t, c) * normed(t, c)) / C);
  return [
    matrix(T, C, (t, c) => normed(t, c) * w[c]! + b[c]!),
    matrix(T, C, (t, c) => inverse[t]! * (g(t, c) - level[t]! - normed(t, c) * along[t]!)),
  ];
}

/** By its series, for |x| of a few units. */
function erf(x: number): number {
  let [term, total] = [x, x];
  for (let n = 1; n < 200 && Math.abs(term) > 1e-18; n++) {
    term *= -(x * x) / n;
    total += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * total;
}

/** Value and slope of each form of GELU. */
const GELU: Readonly<Record<'erf' | 'tanh' | 'quick', (x: number) => readonly [number, number]>> = {
  erf: (x) => {
    const cdf = (1 + erf(x / Math.SQRT2)) / 2;
    return [x * cdf, cdf + (x * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI)];
  },
  tanh: (x) => {
    const k = Math.sqrt(2 / Math.PI);
    const t = Math.tanh(k * (x + 0.044715 * x ** 3));
    return [(x * (1 + t)) / 2, (1 + t) / 2 + (x * (1 - t * t) * k * (1 + 3 * 0.044715 * x * x)) / 2];
  },
  quick: (x) => {
    const s = 1 / (1 + Math.exp(-1.702 * x));
    return [x * s, s + 1.702 * x * s * (1 - s)];
  },
};

export function gelu(x: Values, dy: Values, form: keyof typeof GELU): Float64Array[] {
  const each = Array.from(x, GELU[form]);
  return [Float64Array.from(each, ([y]) => y), Float64Array.from(each, ([, slope], i) => slope * dy[i]!)];
}

/** w + scaling · B·A */
export function fold(
  w: Values,
  a: Values,
  b: Values,
  { N, K, R, scaling }: { N: number; K: number; R: number; scaling: number },
): Float64Array[] {
  return [matrix(N, K, (n, k) => w[n * K + k]! + scaling * sum(R, (r) => b[n * R + r]! * a[r * K + k]!))];
}

/** Rows of the table, or of gelu(features) where there is an index, and the gradient of the features. */
export function embed(
  table: Values,
  features: Values,
  dy: Values,
  { C, tokens, index }: { C: number; tokens: readonly number[]; index: readonly number[] },
): Float64Array[] {
  const pictured = GELU.tanh;
  const place = (f: number) => index.indexOf(f);
  return [
    matrix(tokens.length, C, (t, c) =>
      index[t]! < 0 ? table[tokens[t]! * C + c]! : pictured(features[index[t]! * C + c]!)[0],
    ),
    matrix(features.length / C, C, (f, c) =>
      place(f) < 0 ? 0 : pictured(features[f * C + c]!)[1] * dy[place(f) * C + c]!,
    ),
  ];
}

export function swiglu(gate: Values, up: Values, dy: Values): Float64Array[] {
  const n = gate.length;
  const s = (i: number) => 1 / (1 + Math.exp(-gate[i]!));
  return [
    matrix(1, n, (_, i) => gate[i]! * s(i) * up[i]!),
    matrix(1, n, (_, i) => dy[i]! * up[i]! * s(i) * (1 + gate[i]! * (1 - s(i)))),
    matrix(1, n, (_, i) => dy[i]! * gate[i]! * s(i)),
  ];
}

/** Halves of a head turned against each other by the table's angles; `direction` −1 turns back (the gradient). */
export function rotate(
  x: Values,
  table: Values,
  { T, heads, D }: { T: number; heads: number; D: number },
  direction: 1 | -1,
): Float64Array {
  const half = D / 2;
  return matrix(T, heads * D, (t, column) => {
    const [start, d] = [t * heads * D + column - (column % D), column % D];
    const [cos, sin] = [table[t * D + 2 * (d % half)]!, direction * table[t * D + 2 * (d % half) + 1]!];
    return d < half
      ? x[start + d]! * cos - x[start + d + half]! * sin
      : x[start + d]! * cos + x[start + d - half]! * sin;
  });
}

/** Log-probs of the targets, entropies, and the gradient of −Σ weight·logp in the hidden states. */
export function head(
  hidden: Values,
  weights: Values,
  targets: readonly number[],
  weight: Values,
  { T, H, V, temperature }: { T: number; H: number; V: number; temperature: number },
): Float64Array[] {
  const logits = matrix(T, V, (t, v) => sum(H, (h) => hidden[t * H + h]! * weights[v * H + h]!) / temperature);
  const lse = Array.from({ length: T }, (_, t) => Math.log(sum(V, (v) => Math.exp(logits[t * V + v]!))));
  const p = (t: number, v: number) => Math.exp(logits[t * V + v]! - lse[t]!);
  return [
    matrix(1, T, (_, t) => logits[t * V + targets[t]!]! - lse[t]!),
    matrix(1, T, (_, t) => lse[t]! - sum(V, (v) => p(t, v) * logits[t * V + v]!)),
    matrix(
      T,
      H,
      (t, h) =>
        (weight[t]! / temperature) * (sum(V, (v) => p(t, v) * weights[v * H + h]!) - weights[targets[t]! * H + h]!),
    ),
  ];
}

/** One AdamW step from zero moments, the gradient clipped to a global norm. */
export function adamw(
  parameter: Values,
  gradient: Values,
  o: { learningRate: number; beta1: number; beta2: number; epsilon: number; weightDecay: number; maxGradNorm: number },
): Float64Array[] {
  const n = parameter.length;
  const norm = Math.sqrt(sum(n, (i) => gradient[i]! ** 2));
  const shrink = Math.min(1, o.maxGradNorm / (norm + 1e-6));
  const g = (i: number) => gradient[i]! * shrink;
  return [
    matrix(
      1,
      n,
      (_, i) =>
        parameter[i]! * (1 - o.learningRate * o.weightDecay) - (o.learningRate * g(i)) / (Math.abs(g(i)) + o.epsilon),
    ),
    matrix(1, n, (_, i) => (1 - o.beta1) * g(i)),
    matrix(1, n, (_, i) => (1 - o.beta2) * g(i) ** 2),
  ];
}
