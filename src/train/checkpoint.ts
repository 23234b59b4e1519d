/**
 * What a policy in training is, away from the GPU: adapters folded in so far, the adapter now learning, and its
 * optimizer's moments. Restored, it goes on bit for bit: folds are replayed by the kernels that made them, and
 * everything else is numbers copied back.
 */
import { readTensors } from '../gpu/program.ts';
import type { AdapterMatrices, Adapter } from '../nn/adapter.ts';
import type { MergedAdapter } from './merged-rows.ts';
import type { Optimizer } from './optimizer.ts';
import type { Policy } from './policy.ts';

/** AdamW's state by module, in the shapes of the adapter's A and B. */
export interface MomentsSnapshot {
  /** Optimizer steps done. */
  readonly step: number;
  readonly mean: ReadonlyMap<string, AdapterMatrices>;
  readonly square: ReadonlyMap<string, AdapterMatrices>;
  /** Of parameters that are averaged beside them. */
  readonly average?: ReadonlyMap<string, AdapterMatrices>;
}

export interface PolicySnapshot {
  /** In the order in which they were folded in. */
  readonly merged: readonly MergedAdapter[];
  readonly learning: MergedAdapter | null;
  readonly moments: MomentsSnapshot | null;
}

/** Waits for one reading back and for nothing else; what it gives is a copy. */
export async function capturePolicy(policy: Policy, optimizer?: Optimizer): Promise<PolicySnapshot> {
  const merged = [...policy.mergedAdapters];
  const { adapter } = policy;
  if (!adapter) return { merged, learning: null, moments: null };
  const step = optimizer?.steps ?? 0;
  const [parameters, mean, square, average] = await readTensors(
    policy.model.session,
    adapter.parameters,
    ...(optimizer?.moments ?? []),
  );
  return {
    merged,
    learning: { targets: adapter.targets, matrices: adapter.unpack(parameters!) },
    moments:
      mean && square
        ? {
            step,
            mean: adapter.unpack(mean),
            square: adapter.unpack(square),
            ...(average && { average: adapter.unpack(average) }),
          }
        : null,
  };
}

/** Makes a fresh policy what the snapshot says. Throws what `Policy.resume` throws. */
export async function restorePolicy(policy: Policy, { merged, learning }: PolicySnapshot): Promise<void> {
  for (const adapter of merged) {
    policy.resume(adapter);
    await policy.merge();
  }
  if (learning) policy.resume(learning);
}

/** For `Optimizer.restore`. */
export const optimizerState = (adapter: Adapter, { step, mean, square, average }: MomentsSnapshot) => ({
  step,
  mean: adapter.pack(mean),
  square: adapter.pack(square),
  ...(average && { average: adapter.pack(average) }),
});
