/**
 * The largest singular triplets of a matrix that is known by its products alone (Golub and Kahan 1965, with every new
 * vector made orthogonal to all before it): a product of thin factors is never multiplied out. Small residuals end it;
 * at the latest it is exact when the smaller side is exhausted.
 */
import { Random } from '../../base/random.ts';

export interface LinearMap {
  readonly rows: number;
  readonly columns: number;
  /** A·x */
  times(x: Float64Array): Float64Array;
  /** Aᵀ·y */
  transposed(y: Float64Array): Float64Array;
}

export interface Triplet {
  /** Left singular vector [rows]; 0 where sigma is 0. */
  readonly u: Float64Array;
  readonly sigma: number;
  /** Right singular vector [columns]. */
  readonly v: Float64Array;
}

/** A residual of this part of the largest singular value is below the rounding of f32. */
const TOLERANCE = 1e-9;
/** What is left of a vector below this part of its length is rounding. */
const NOTHING = 1e-12;

/** The `count` largest triplets, largest first, right vectors orthonormal; fewer only if a side is shorter than that. */
export function largestTriplets(map: LinearMap, count: number): Triplet[] {
  if (map.rows < map.columns) {
    const { rows, columns, times, transposed } = map;
    const flipped = largestTriplets(
      { rows: columns, columns: rows, times: (x) => transposed(x), transposed: (y) => times(y) },
      count,
    );
    return flipped.map(({ u, sigma, v }) => ({ u: v, sigma, v: u }));
  }
  const wanted = Math.min(count, map.columns);
  const random = new Random(1);
  const [left, right]: [Float64Array[], Float64Array[]] = [[], [unrelated([], map.columns, random)]];
  const [alphas, betas]: [number[], number[]] = [[], []];
  let scale = 0;
  for (let next = wanted + 4; ;) {
    const k = left.length;
    const u = map.times(right[k]!);
    scale = Math.max(scale, norm(u));
    if (k > 0) subtract(u, left[k - 1]!, betas[k - 1]!);
    alphas.push(settle(u, left, map.rows, scale, random));
    const w = map.transposed(left[k]!);
    subtract(w, right[k]!, alphas[k]!);
    const last = k + 1 === map.columns;
    const beta = last ? 0 : settle(w, right, map.columns, scale, random);
    if (k + 1 >= next || last) {
      const small = bidiagonalSvd(alphas, betas);
      const largest = small[0]!.sigma;
      const settled = small.slice(0, wanted).every(({ p }) => Math.abs(beta * p[k]!) <= TOLERANCE * largest);
      // A subspace that holds everything may have met equal singular values only once: it goes on to the end of one side.
      if (last || (settled && (beta > 0 || exhausted(map, right, scale, random))))
        return small.slice(0, wanted).map(({ p, sigma, q }) => ({ u: mixed(left, p), sigma, v: mixed(right, q) }));
      next = Math.ceil((k + 1) * 1.3) + 2;
    }
    betas.push(beta);
  }
}

/** Nothing is left outside the span of `vectors`, as far as a random vector can tell. */
function exhausted(map: LinearMap, vectors: readonly Float64Array[], scale: number, random: Random): boolean {
  if (vectors.length >= map.columns) return true;
  return norm(map.times(unrelated(vectors, map.columns, random))) <= 1e-9 * scale;
}

/** Adds `vector` to an orthonormal list; what is in the list's span already is replaced by something that is not. Its length then is 0. */
function settle(vector: Float64Array, list: Float64Array[], size: number, scale: number, random: Random): number {
  orthogonalise(vector, list);
  const length = norm(vector);
  if (length > NOTHING * scale && length > 0) {
    list.push(vector.map((x) => x / length));
    return length;
  }
  list.push(unrelated(list, size, random));
  return 0;
}

function unrelated(list: readonly Float64Array[], size: number, random: Random): Float64Array {
  const vector = Float64Array.from({ length: size }, () => random.normal());
  orthogonalise(vector, list);
  const length = norm(vector);
  return vector.map((x) => x / length);
}

/** Twice is enough (Parlett, The Symmetric Eigenvalue Problem). */
function orthogonalise(vector: Float64Array, list: readonly Float64Array[]): void {
  for (let pass = 0; pass < 2; pass++) for (const other of list) subtract(vector, other, dot(vector, other));
}

const dot = (a: Float64Array, b: Float64Array): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
};
const norm = (a: Float64Array): number => Math.sqrt(dot(a, a));
const subtract = (a: Float64Array, b: Float64Array, factor: number): void => {
  if (factor !== 0) for (let i = 0; i < a.length; i++) a[i]! -= factor * b[i]!;
};

function mixed(basis: readonly Float64Array[], coefficients: Float64Array): Float64Array {
  const sum = new Float64Array(basis[0]!.length);
  for (let i = 0; i < coefficients.length; i++) subtract(sum, basis[i]!, -coefficients[i]!);
  return sum;
}

interface SmallTriplet {
  readonly p: Float64Array;
  readonly sigma: number;
  readonly q: Float64Array;
}

/**
 * The upper bidiagonal matrix with `alphas` on the diagonal and `betas` above it, by one-sided Jacobi rotations, which
 * find small singular values as exactly as large ones. Largest first.
 */
function bidiagonalSvd(alphas: readonly number[], betas: readonly number[]): SmallTriplet[] {
  const n = alphas.length;
  // Columns of B, rotated until they are orthogonal: then B·Q = P·Σ.
  const columns = alphas.map((alpha, i) => {
    const column = new Float64Array(n);
    column[i] = alpha;
    if (i > 0) column[i - 1] = betas[i - 1]!;
    return column;
  });
  const turns = alphas.map((_, i) => {
    const unit = new Float64Array(n);
    unit[i] = 1;
    return unit;
  });
  for (let sweep = 0; sweep < 60; sweep++) {
    let rotated = false;
    for (let i = 0; i < n - 1; i++)
      for (let j = i + 1; j < n; j++) {
        const [a, b] = [columns[i]!, columns[j]!];
        const [aa, bb, ab] = [dot(a, a), dot(b, b), dot(a, b)];
        if (Math.abs(ab) <= 1e-15 * Math.sqrt(aa * bb)) continue;
        rotated = true;
        const zeta = (bb - aa) / (2 * ab);
        const t = (zeta >= 0 ? 1 : -1) / (Math.abs(zeta) + Math.hypot(1, zeta));
        const c = 1 / Math.hypot(1, t);
        turn(a, b, c, c * t);
        turn(turns[i]!, turns[j]!, c, c * t);
      }
    if (!rotated) break;
  }
  const found = columns.map((column, i) => ({ sigma: norm(column), column, q: turns[i]! }));
  found.sort((x, y) => y.sigma - x.sigma);
  return found.map(({ sigma, column, q }) => ({ p: column.map((x) => (sigma > 0 ? x / sigma : 0)), sigma, q }));
}

function turn(a: Float64Array, b: Float64Array, c: number, s: number): void {
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]!, b[i]!];
    a[i] = c * x - s * y;
    b[i] = s * x + c * y;
  }
}
