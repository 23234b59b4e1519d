/**
 * A low-rank adapter as it lives on the GPU: every A and B in one arena, so that clearing, clipping and AdamW are one
 * dispatch each whatever the model. Ranks are padded to a multiple of 4 with zeros that stay zero: their gradients are
 * products with zeros.
 */
import type { Random } from '../base/random.ts';
import type { Session } from '../gpu/recorder.ts';
import { Tensor } from '../gpu/tensor.ts';
import { readTensors } from '../gpu/program.ts';
import { invariant } from '../base/error.ts';
import type { Lora } from '../ops/linear.ts';

/** One adapted linear. */
export interface AdapterTarget {
  /** In-memory name of transformers ≥ 4.52: `model.language_model.layers.0.self_attn.q_proj`. */
  readonly module: string;
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly r: number;
  readonly alpha: number;
  /** α/r, or α/√r with rsLoRA. */
  readonly scaling: number;
  /** The scaling is rsLoRA's. */
  readonly rslora?: true;
}

/** Values of one target as PEFT stores them: a [r, in], b [out, r]. */
export interface AdapterMatrices {
  readonly a: Float32Array;
  readonly b: Float32Array;
}

/** Offsets of bindings: the largest minStorageBufferOffsetAlignment WebGPU allows. */
const ALIGN = 256;

/** Kernels take ranks that are multiples of 4. */
export const paddedRank = (r: number): number => Math.ceil(r / 4) * 4;

/** B [out, r] with its rows padded to `wide`. */
export function widened(b: Float32Array, { outFeatures, r }: AdapterTarget, wide: number): Float32Array {
  const all = new Float32Array(outFeatures * wide);
  for (let o = 0; o < outFeatures; o++) all.set(b.subarray(o * r, (o + 1) * r), o * wide);
  return all;
}

export class Adapter {
  readonly targets: readonly AdapterTarget[];
  /** [N] all parameters; gaps between tensors are zero. */
  readonly parameters: Tensor;
  readonly gradients: Tensor;
  readonly #session: Session;
  readonly #loras = new Map<string, Lora>();

  constructor(session: Session, targets: readonly AdapterTarget[], label = 'adapter') {
    this.#session = session;
    this.targets = targets;
    let bytes = 0;
    const place = (elements: number) => {
      const at = bytes;
      bytes += Math.ceil((elements * 4) / ALIGN) * ALIGN;
      return at;
    };
    const places = targets.map((t) => ({
      a: place(paddedRank(t.r) * t.inFeatures),
      // Products over the rows of B take four at a time: a head of 49,155 rows has one more.
      b: place(Math.ceil(t.outFeatures / 4) * 4 * paddedRank(t.r)),
    }));
    this.parameters = session.resident(`${label} parameters`, [bytes / 4]);
    this.gradients = session.resident(`${label} gradients`, [bytes / 4]);
    const view = (arena: Tensor, name: string, shape: readonly number[], offset: number) =>
      new Tensor(name, 'f32', shape, arena.storage, offset);
    targets.forEach((t, i) => {
      const [shapeA, shapeB] = [
        [paddedRank(t.r), t.inFeatures],
        [t.outFeatures, paddedRank(t.r)],
      ];
      this.#loras.set(t.module, {
        a: view(this.parameters, `${t.module}.lora_A`, shapeA, places[i]!.a),
        b: view(this.parameters, `${t.module}.lora_B`, shapeB, places[i]!.b),
        gradA: view(this.gradients, `d ${t.module}.lora_A`, shapeA, places[i]!.a),
        gradB: view(this.gradients, `d ${t.module}.lora_B`, shapeB, places[i]!.b),
        scaling: t.scaling,
      });
    });
  }

  lora(module: string): Lora | undefined {
    return this.#loras.get(module);
  }

  /** PEFT's default start: A uniform in ±1/√in (kaiming with a = √5), B zero. */
  initialise(random: Random): void {
    for (const t of this.targets) {
      const bound = 1 / Math.sqrt(t.inFeatures);
      const a = Float32Array.from({ length: t.r * t.inFeatures }, () => (2 * random.uniform() - 1) * bound);
      this.write(t.module, { a, b: new Float32Array(t.outFeatures * t.r) });
    }
  }

  write(module: string, { a, b }: AdapterMatrices): void {
    const { target, lora } = this.#find(module);
    const wide = paddedRank(target.r);
    invariant(
      a.length === target.r * target.inFeatures && b.length === target.outFeatures * target.r,
      `${module}: adapter of another shape`,
    );
    const paddedA = new Float32Array(wide * target.inFeatures);
    paddedA.set(a);
    this.#session.write(lora.a, paddedA);
    this.#session.write(lora.b, widened(b, target, wide));
  }

  /** Parameters (or gradients) of every target, by module name. */
  async read(what: 'parameters' | 'gradients' = 'parameters'): Promise<Map<string, AdapterMatrices>> {
    const [all] = await readTensors(this.#session, this[what]);
    return this.unpack(all!);
  }

  /** The matrices in a copy of the arena, or of one laid out like it (an optimizer's moments). */
  unpack(all: Float32Array): Map<string, AdapterMatrices> {
    return new Map(
      this.targets.map((t) => {
        const { lora } = this.#find(t.module);
        const wide = paddedRank(t.r);
        const a = all.slice(lora.a.offset / 4, lora.a.offset / 4 + t.r * t.inFeatures);
        const b = new Float32Array(t.outFeatures * t.r);
        for (let o = 0; o < t.outFeatures; o++) {
          const from = lora.b.offset / 4 + o * wide;
          b.set(all.subarray(from, from + t.r), o * t.r);
        }
        return [t.module, { a, b }];
      }),
    );
  }

  /** The inverse of `unpack`: an arena as this adapter lays it out. */
  pack(matrices: ReadonlyMap<string, AdapterMatrices>): Float32Array {
    const all = new Float32Array(this.parameters.size);
    for (const t of this.targets) {
      const { lora } = this.#find(t.module);
      const { a, b } = matrices.get(t.module)!;
      all.set(a, lora.a.offset / 4);
      all.set(widened(b, t, paddedRank(t.r)), lora.b.offset / 4);
    }
    return all;
  }

  destroy(): void {
    this.#session.release(this.parameters, this.gradients);
  }

  #find(module: string): { target: AdapterTarget; lora: Lora } {
    const target = this.targets.find((t) => t.module === module);
    const lora = this.#loras.get(module);
    invariant(target && lora, `the adapter has no module ${module}`);
    return { target, lora };
  }
}
