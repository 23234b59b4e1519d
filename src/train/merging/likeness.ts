/** How like its parts a merge is: lengths of changes, and the cosines between them, over all modules and by module. */
import type { AdapterMatrices, AdapterTarget } from '../../nn/adapter.ts';
import type { MergedAdapter } from '../merged-rows.ts';

/** A change's length (Frobenius norm), and how far it points where the result points: 1 the same way, −1 against it. */
export interface Likeness {
  readonly norm: number;
  /** null where one of the two changes nothing. */
  readonly cosine: number | null;
}

export interface ModuleLikeness {
  readonly module: string;
  /** Of the result's change. */
  readonly norm: number;
  /** One a part, each in its full strength, without the weight that it was given. */
  readonly parts: readonly Likeness[];
}

export interface MergeLikeness {
  readonly norm: number;
  readonly parts: readonly Likeness[];
  readonly modules: readonly ModuleLikeness[];
}

/** Sums over the numbers of one module, for the result and for each part. */
export interface Moments {
  readonly module: string;
  /** Σ r² of the result. */
  readonly result: number;
  /** Σ p² of each part. */
  readonly parts: readonly number[];
  /** Σ p·r of each part. */
  readonly products: readonly number[];
}

export function likenessOf(moments: readonly Moments[]): MergeLikeness {
  const of = (result: number, part: number, product: number): Likeness => ({
    norm: Math.sqrt(Math.max(0, part)),
    cosine: result > 0 && part > 0 ? product / Math.sqrt(result * part) : null,
  });
  const total = (read: (m: Moments) => number) => moments.reduce((sum, m) => sum + read(m), 0);
  const result = total((m) => m.result);
  return {
    norm: Math.sqrt(Math.max(0, result)),
    parts: (moments[0]?.parts ?? []).map((_, i) =>
      of(
        result,
        total((m) => m.parts[i]!),
        total((m) => m.products[i]!),
      ),
    ),
    modules: moments.map((m) => ({
      module: m.module,
      norm: Math.sqrt(Math.max(0, m.result)),
      parts: m.parts.map((part, i) => of(m.result, part, m.products[i]!)),
    })),
  };
}

/** The modules in which the result points away from its parts the most, by the mean of their cosines. */
export function leastLike(
  { modules }: MergeLikeness,
  most: number,
): { readonly module: string; readonly cosines: readonly (number | null)[] }[] {
  const mean = (cosines: readonly (number | null)[]) => {
    const known = cosines.filter((c) => c !== null);
    return known.length ? known.reduce((a, b) => a + b, 0) / known.length : Infinity;
  };
  return modules
    .map(({ module, parts }) => ({ module, cosines: parts.map(({ cosine }) => cosine) }))
    .toSorted((a, b) => mean(a.cosines) - mean(b.cosines))
    .slice(0, most);
}

/** Adapters against what was made of them; no change is multiplied out. */
export function adapterLikeness(parts: readonly MergedAdapter[], result: MergedAdapter): MergeLikeness {
  return likenessOf(
    result.targets.map(({ module }): Moments => {
      const whole = side(result, module)!;
      const sides = parts.map((part) => side(part, module));
      return {
        module,
        result: inner(whole, whole),
        parts: sides.map((part) => (part ? inner(part, part) : 0)),
        products: sides.map((part) => (part ? inner(part, whole) : 0)),
      };
    }),
  );
}

type Side = AdapterMatrices & { readonly target: AdapterTarget };

function side(adapter: MergedAdapter, module: string): Side | null {
  const target = adapter.targets.find((t) => t.module === module);
  return target ? { target, ...adapter.matrices.get(module)! } : null;
}

/** ⟨s·B·A, s′·B′·A′⟩ = s·s′·Σₖₗ (BᵀB′)ₖₗ·(A·A′ᵀ)ₖₗ */
function inner(x: Side, y: Side): number {
  const { inFeatures, outFeatures, r: p, scaling } = x.target;
  const { r: q, scaling: other } = y.target;
  let sum = 0;
  for (let k = 0; k < p; k++)
    for (let l = 0; l < q; l++) {
      let [ofB, ofA] = [0, 0];
      for (let o = 0; o < outFeatures; o++) ofB += x.b[o * p + k]! * y.b[o * q + l]!;
      for (let i = 0; i < inFeatures; i++) ofA += x.a[k * inFeatures + i]! * y.a[l * inFeatures + i]!;
      sum += ofB * ofA;
    }
  return scaling * other * sum;
}
