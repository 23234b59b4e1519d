/**
 * How whole checkpoints become one, tensor by tensor. A method sees a tensor some values at a time, as often as it needs,
 * and then says how these values are mixed. Definitions and defaults are mergekit's (arXiv 2403.13257): linear, task
 * arithmetic (arXiv 2212.04089), SLERP, TIES (arXiv 2306.01708).
 */
import { GroundworkError } from '../../base/error.ts';
import { LargestMagnitudes } from './largest-magnitudes.ts';

export interface MethodSettings {
  /** One a checkpoint. SLERP: the second one's share of both is how far it goes from the first. */
  readonly weights: readonly number[];
  /** TIES: share of each task vector that stays. */
  readonly density?: number;
  /** Task arithmetic and TIES: what the sum of task vectors is multiplied by; 1 if left out. */
  readonly lambda?: number;
}

/** Values of one tensor at the same places: of each checkpoint, and of the base if there is one. */
export interface Block {
  readonly parts: readonly Float32Array[];
  readonly base: Float32Array | null;
}

/** One tensor of all checkpoints; every call reads it again from its start. */
export interface TensorReader {
  readonly elements: number;
  blocks(): AsyncIterable<Block>;
}

/** Call with the blocks in their order. */
type Mix = (block: Block) => Float32Array;

export interface CheckpointMethod {
  readonly summary: string;
  /** It adds what was changed since a base. */
  readonly base: boolean;
  /** How many checkpoints it takes. */
  readonly count: { readonly least: number; readonly most: number };
  readonly prepare: (tensor: TensorReader, settings: MethodSettings) => Promise<Mix>;
}

const any = { least: 1, most: Infinity };

export const CHECKPOINT_METHODS = {
  linear: {
    summary: 'weighted mean',
    base: false,
    count: any,
    prepare: async (_, { weights }) => {
      const total = weights.reduce((sum, w) => sum + w, 0);
      return ({ parts }) => mixed(parts, (values) => sumOf(values, weights) / total);
    },
  },
  task_arithmetic: {
    summary: 'base + λ · weighted sum of the changes',
    base: true,
    count: any,
    prepare: async (_, { weights, lambda = 1 }) => {
      return ({ parts, base }) =>
        mixed(parts, (values, at) => {
          let sum = 0;
          for (let i = 0; i < values.length; i++) sum += weights[i]! * (values[i]! - base![at]!);
          return base![at]! + lambda * sum;
        });
    },
  },
  slerp: {
    summary: 'between two, along the arc; straight where they are nearly parallel',
    base: false,
    count: { least: 2, most: 2 },
    prepare: async (tensor, { weights }) => {
      const [near, far] = await arc(tensor, weights[1]! / (weights[0]! + weights[1]!));
      return ({ parts }) => mixed(parts, (values) => near * values[0]! + far * values[1]!);
    },
  },
  ties: {
    summary: 'base + λ · mean of the changes that agree in sign, after the small ones are dropped',
    base: true,
    count: any,
    prepare: prepareTies,
  },
} as const satisfies Readonly<Record<string, CheckpointMethod>>;

export type CheckpointMethodName = keyof typeof CHECKPOINT_METHODS;

/** @throws GroundworkError `merge-setting` */
export function checkMethod(name: CheckpointMethodName, settings: MethodSettings, base: boolean): void {
  const refuse = (what: string, hint: string): never => {
    throw new GroundworkError('merge-setting', what, hint);
  };
  const { weights, density, lambda } = settings;
  const method: CheckpointMethod = CHECKPOINT_METHODS[name];
  const { least, most } = method.count;
  if (weights.length < least || weights.length > most)
    refuse(
      `${name} takes ${least === most ? least : `${least} or more`} checkpoints, not ${weights.length}.`,
      'Name the folders.',
    );
  if (!weights.every(Number.isFinite)) refuse(`The weights are ${weights.join(', ')}.`, 'Give each a number.');
  if (method.base !== base)
    refuse(
      method.base ? `${name} needs the base that the checkpoints were trained from.` : `${name} does not use a base.`,
      method.base ? 'Name its folder.' : 'Leave the base out.',
    );
  const total = weights.reduce((sum, w) => sum + w, 0);
  if (!method.base && !(Math.abs(total) > 1e-9)) refuse('The weights add up to 0.', 'A mean needs another sum.');
  if (name === 'slerp' && weights.some((w) => w < 0)) refuse('SLERP lies between two.', 'Give weights from 0 on.');
  if (lambda !== undefined && !Number.isFinite(lambda)) refuse(`λ is ${lambda}.`, 'Give a number.');
  if (name === 'ties' && !(density !== undefined && density > 0 && density <= 1))
    refuse(
      density === undefined ? 'ties needs a density.' : `A density of ${density} is not possible.`,
      'Give the share of each change that stays: above 0, up to 1.',
    );
}

function mixed(parts: readonly Float32Array[], of: (values: number[], at: number) => number): Float32Array {
  const values = parts.map(() => 0);
  return parts[0]!.map((_, at) => {
    for (let i = 0; i < parts.length; i++) values[i] = parts[i]![at]!;
    return of(values, at);
  });
}

const sumOf = (values: readonly number[], weights: readonly number[]): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += weights[i]! * values[i]!;
  return sum;
};

/** From this cosine on two directions are one, and the arc is a line. */
const PARALLEL = 0.9995;

/** What each of the two is multiplied by, `t` of the way from the first. */
async function arc(tensor: TensorReader, t: number): Promise<readonly [number, number]> {
  let [xx, yy, xy] = [0, 0, 0];
  for await (const { parts } of tensor.blocks()) {
    const [x, y] = [parts[0]!, parts[1]!];
    for (let i = 0; i < x.length; i++) {
      xx += x[i]! * x[i]!;
      yy += y[i]! * y[i]!;
      xy += x[i]! * y[i]!;
    }
  }
  const length = Math.sqrt(xx * yy);
  const cosine = length > 0 ? xy / length : 1;
  if (Math.abs(cosine) > PARALLEL) return [1 - t, t];
  const angle = Math.acos(cosine);
  return [Math.sin((1 - t) * angle) / Math.sin(angle), Math.sin(t * angle) / Math.sin(angle)];
}

/** Weights count before the signs are elected, and the mean is by weights: with equal ones it is TIES as published. */
async function prepareTies(tensor: TensorReader, { weights, density = 1, lambda = 1 }: MethodSettings): Promise<Mix> {
  const keep = Math.max(1, Math.trunc(density * tensor.elements));
  const largest = density < 1 ? weights.map(() => new LargestMagnitudes(keep)) : [];
  if (largest.length)
    for (const pass of [0, 1]) {
      if (pass === 1) for (const each of largest) each.refine();
      for await (const block of tensor.blocks())
        for (const [i, each] of largest.entries()) each.count(taskVector(block, i));
    }
  return (block) => {
    const vectors = block.parts.map((_, i) => {
      const vector = taskVector(block, i);
      largest[i]?.prune(vector);
      return vector;
    });
    return mixed(vectors, (values, at) => {
      const elected = sumOf(values, weights) >= 0 ? 1 : -1;
      let [sum, agreeing] = [0, 0];
      for (let i = 0; i < values.length; i++) {
        if (Math.sign(weights[i]! * values[i]!) !== elected) continue;
        sum += weights[i]! * values[i]!;
        agreeing += weights[i]!;
      }
      return block.base![at]! + (agreeing === 0 ? 0 : (lambda * sum) / agreeing);
    });
  };
}

const taskVector = ({ parts, base }: Block, i: number): Float32Array =>
  parts[i]!.map((value, at) => value - base![at]!);
