/** Several adapters, each trained on what those before it left, as one. */
import { GroundworkError } from '../base/error.ts';
import type { AdapterMatrices, AdapterTarget } from '../nn/adapter.ts';
import type { MergedAdapter } from './merged-rows.ts';

/**
 * One adapter on the base model: ranks side by side, scaling folded into B, so scaling 1 (PEFT's `cat` combination,
 * exact). Throws `adapter-unsupported` for DoRA, whose norms are not low-rank.
 */
export function combine(parts: readonly MergedAdapter[]): MergedAdapter {
  if (parts.some((p) => p.magnitudes))
    throw new GroundworkError(
      'adapter-unsupported',
      'The result includes a DoRA adapter, so it cannot be written as a LoRA adapter.',
      'Export the merged weights instead.',
    );
  return parts.length === 1 ? parts[0]! : concatenate(parts);
}

function concatenate(parts: readonly MergedAdapter[]): MergedAdapter {
  const modules = [...new Set(parts.flatMap((p) => p.targets.map((t) => t.module)))];
  const joined = modules.map((module) => sideBySide(parts, module));
  return {
    targets: joined.map(({ target }) => target),
    matrices: new Map(joined.map(({ target, a, b }) => [target.module, { a, b }])),
  };
}

/** The adapters of one module as one: ranks side by side, scaling folded into B (PEFT's `cat`, exact). */
export function sideBySide(
  parts: readonly MergedAdapter[],
  module: string,
): AdapterMatrices & { readonly target: AdapterTarget } {
  const pieces = parts.flatMap((p) => {
    const target = p.targets.find((t) => t.module === module);
    return target ? [{ target, ...p.matrices.get(module)! }] : [];
  });
  const { inFeatures, outFeatures } = pieces[0]!.target;
  const r = pieces.reduce((sum, p) => sum + p.target.r, 0);
  const a = new Float32Array(r * inFeatures);
  const b = new Float32Array(outFeatures * r);
  let rank = 0;
  for (const piece of pieces) {
    a.set(piece.a, rank * inFeatures);
    for (let o = 0; o < outFeatures; o++)
      for (let k = 0; k < piece.target.r; k++)
        b[o * r + rank + k] = piece.b[o * piece.target.r + k]! * piece.target.scaling;
    rank += piece.target.r;
  }
  return { target: { module, inFeatures, outFeatures, r, alpha: r, scaling: 1 }, a, b };
}
