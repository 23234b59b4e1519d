/** What to change in a run that does not fit, from what changes nothing in its result to what changes most. */
import type { WeightDType } from '../models/weights.ts';
import { planMemory, type MemoryPlan, type MemoryRequest } from './memory-plan.ts';
import type { Easing } from './stages/descriptor.ts';
import { descriptorOf, type Stage } from './stages/index.ts';

/** Something that would make a run smaller. */
export interface MemoryChange {
  /** For the user, e.g. “recompute activations (gradientCheckpointing)”. */
  readonly words: string;
  readonly apply: (request: MemoryRequest) => MemoryRequest;
  /** How it has the weights held. Of several such changes the last one counts. */
  readonly storage?: WeightDType;
}

/** Every stage whose kind can be made smaller in this way is. */
const ease = (easing: Easing, words: string): MemoryChange => ({
  words,
  apply: (r) => ({ ...r, recipe: { stages: r.recipe.stages.map((stage) => eased(stage, easing)) } }),
});

const eased = <S extends Stage>(stage: S, easing: Easing): S => descriptorOf(stage).eased[easing]?.(stage) ?? stage;

const FINEST_FIRST: readonly WeightDType[] = ['f32', 'f16', 'int8', 'int4', 'nf4'];

/** Only ever coarser. */
const hold = (storage: WeightDType, words: string): MemoryChange => ({
  words,
  storage,
  apply: (r) => (FINEST_FIRST.indexOf(storage) > FINEST_FIRST.indexOf(r.dtype) ? { ...r, dtype: storage } : r),
});

/** From what changes nothing in the result to what changes most. */
const CHANGES: readonly MemoryChange[] = [
  ease('recompute', 'recompute activations (gradientCheckpointing)'),
  ease('one-row', 'one row at a time, with gradients accumulated (perDeviceTrainBatchSize 1)'),
  hold('f16', 'store the weights in 16 bits (f16)'),
  hold('int8', 'store the language model in 8 bits (int8)'),
  hold('int4', 'store the language model in 4 bits (int4)'),
  ease('one-prompt', 'one prompt per step in reinforcement learning (promptsPerStep 1)'),
  {
    words: 'pictures with half as many pixels (picture budget)',
    apply: ({ smaller, ...r }) => (smaller ? { ...r, ...smaller } : r),
  },
  ease('fewer-completions', 'half as many completions per prompt (numGenerations)'),
  ease('half-rank', 'half the rank (r)'),
];

/** A request with some changes, not planned yet. */
export interface MemoryRung {
  /** What to change, in this order; empty when it fits as it is. */
  readonly changes: readonly string[];
  /** The request with them. */
  readonly request: MemoryRequest;
}

export interface MemoryAdvice extends MemoryRung {
  readonly plan: MemoryPlan;
}

/** `memoryRungs`, each planned when it is looked at. */
export function* memoryLadder(request: MemoryRequest, storageToo = true): Generator<MemoryAdvice> {
  for (const rung of memoryRungs(request, storageToo)) yield { ...rung, plan: planMemory(rung.request) };
}

/**
 * The request as it is, with each single change, then with the first few together.
 * @param storageToo whether the weights may be held otherwise than asked
 */
export function memoryRungs(request: MemoryRequest, storageToo = true): readonly MemoryRung[] {
  const attempt = (changes: readonly MemoryChange[]): MemoryRung => ({
    changes: changes.map(({ words }) => words),
    request: changes.reduce((r, { apply }) => apply(r), request),
  });
  const state = ({ recipe, longest, dtype }: MemoryRequest) => JSON.stringify([recipe, longest, dtype]);
  const changes = CHANGES.filter(
    ({ apply, storage }) => (storageToo || storage === undefined) && state(apply(request)) !== state(request),
  );
  const rungs = [attempt([]), ...changes.map((change) => attempt([change]))];
  for (let count = 2; count <= changes.length; count++) {
    const together = changes.slice(0, count);
    const coarsest = together.findLast(({ storage }) => storage !== undefined);
    const counting = together.filter((change) => change.storage === undefined || change === coarsest);
    if (counting.length > 1) rungs.push(attempt(counting));
  }
  return rungs;
}

/** Whether a plan fits into so many bytes, with nothing in it that the adapter cannot bind. */
export const fitsInto = ({ totalBytes, unbindable }: MemoryPlan, availableBytes: number): boolean =>
  totalBytes <= availableBytes && unbindable === null;
