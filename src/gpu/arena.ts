/**
 * The memory that all programs of a session share for transient tensors. Each slot is one buffer; a program's plan
 * maps its storages to slots so that lives sharing a slot never overlap. Slots only grow, and only while a program is
 * being prepared: running one allocates nothing.
 */
import type { Gpu } from './device.ts';

export class Arena {
  readonly #gpu: Gpu;
  #slots: GPUBuffer[] = [];
  /** Changes whenever a slot's buffer does: bind groups made before are stale. */
  version = 0;

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  get bytes(): number {
    return this.#slots.reduce((sum, slot) => sum + slot.size, 0);
  }

  slot(index: number): GPUBuffer {
    return this.#slots[index]!;
  }

  /** Makes slot i at least `sizes[i]` bytes; sizes come sorted descending so that programs share large slots. */
  reserve(sizes: readonly number[]): void {
    sizes.forEach((size, i) => {
      const slot = this.#slots[i];
      if (slot && slot.size >= size) return;
      slot?.destroy();
      this.#slots[i] = this.#gpu.device.createBuffer({
        label: `arena ${i}`,
        size: Math.max(256, Math.ceil(size / 256) * 256),
        usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
      });
      this.version++;
    });
  }

  destroy(): void {
    for (const slot of this.#slots) slot.destroy();
    this.#slots = [];
    this.version++;
  }
}

export interface Life {
  readonly bytes: number;
  /** Index of the first command that touches it, and of the last. */
  readonly first: number;
  readonly last: number;
}

export interface Plan {
  /** Slot of each life. */
  readonly slots: readonly number[];
  /** Bytes each slot must have, descending. */
  readonly sizes: readonly number[];
}

/**
 * Greedy interval colouring, largest first: each life takes the lowest slot free over its whole span. Descending sizes
 * mean a slot is never smaller than what joins it later, so the total is close to the peak.
 */
export function planLives(lives: readonly Life[]): Plan {
  const order = lives
    .map((_, i) => i)
    .sort((a, b) => lives[b]!.bytes - lives[a]!.bytes || lives[a]!.first - lives[b]!.first);
  const slots = new Array<number>(lives.length).fill(-1);
  const sizes: number[] = [];
  const tenants: Life[][] = [];
  for (const i of order) {
    const life = lives[i]!;
    let slot = tenants.findIndex((held) => held.every((other) => other.last < life.first || other.first > life.last));
    if (slot < 0) {
      slot = tenants.length;
      tenants.push([]);
      sizes.push(life.bytes);
    }
    tenants[slot]!.push(life);
    slots[i] = slot;
  }
  return { slots, sizes };
}
