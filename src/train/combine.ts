/** Several adapters, each trained on what those before it left, as one. */
import { GroundworkError } from '../base/error.ts';
import type { AdapterMatrices, AdapterTarget } from '../nn/adapter.ts';
import type { MergedAdapter } from './merged-rows.ts';

/**
 * One adapter on the base model: ranks side by side, scaling folded into A, so scaling 1 (PEFT's `cat` combination,
 * exact). Throws `adapter-unsupported` for DoRA, whose norms are not low-rank.
 */
export function combine(parts: readonly MergedAdapter[]): MergedAdapter {
  refuseDora(parts);
  return parts.length === 1 ? parts[0]! : byModule(parts, (module) => sideBySide(parts, module));
}

/** @throws GroundworkError `adapter-unsupported` for DoRA */
export function refuseDora(parts: readonly MergedAdapter[]): void {
  if (parts.some((p) => p.magnitudes))
    throw new GroundworkError(
      'adapter-unsupported',
      'The result includes a DoRA adapter, so it cannot be written as a LoRA adapter.',
      'Export the merged weights instead.',
    );
}

/** An adapter on every module that any of the parts is on. */
export function byModule(
  parts: readonly MergedAdapter[],
  joined: (module: string) => AdapterMatrices & { readonly target: AdapterTarget },
): MergedAdapter {
  const modules = [...new Set(parts.flatMap((p) => p.targets.map((t) => t.module)))];
  const all = modules.map(joined);
  return {
    targets: all.map(({ target }) => target),
    matrices: new Map(all.map(({ target, a, b }) => [target.module, { a, b }])),
  };
}

/**
 * The adapters of one module as one: ranks side by side, weight and scaling folded into A (PEFT's `cat`, exact).
 * @param weights one a part; all 1 if left out
 */
export function sideBySide(
  parts: readonly MergedAdapter[],
  module: string,
  weights?: readonly number[],
): AdapterMatrices & { readonly target: AdapterTarget } {
  const pieces = parts.flatMap((p, i) => {
    const target = p.targets.find((t) => t.module === module);
    return target ? [{ target, weight: weights?.[i] ?? 1, ...p.matrices.get(module)! }] : [];
  });
  const { inFeatures, outFeatures } = pieces[0]!.target;
  const r = pieces.reduce((sum, p) => sum + p.target.r, 0);
  const a = new Float32Array(r * inFeatures);
  const b = new Float32Array(outFeatures * r);
  let rank = 0;
  for (const piece of pieces) {
    const factor = piece.weight * piece.target.scaling;
    a.set(
      piece.a.map((value) => value * factor),
      rank * inFeatures,
    );
    for (let o = 0; o < outFeatures; o++)
      for (let k = 0; k < piece.target.r; k++) b[o * r + rank + k] = piece.b[o * piece.target.r + k]!;
    rank += piece.target.r;
  }
  return { target: { module, inFeatures, outFeatures, r, alpha: r, scaling: 1 }, a, b };
}
