/**
 * Reading back: ranges are copied into a staging buffer, which is mapped, emptied and kept for the next read, so that a
 * step's readbacks allocate nothing once their sizes were seen. Several reads may be under way at once.
 */
import type { Gpu } from './device.ts';

export interface BufferRange {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly bytes: number;
}

/** Staging buffers kept for later: this many, of this many bytes together. */
const KEPT = 8;
const KEPT_BYTES = 32 * 2 ** 20;
/** As much as a group of decode steps draws for a thousand rows. */
const SMALL = 2 ** 16;

export class Readback {
  readonly #gpu: Gpu;
  /** Told of every wait, in milliseconds of the clock. */
  onWait: ((begin: number, end: number) => void) | null = null;
  /** Told of every read that is begun, and when it has ended. */
  onRead: { asked(): void; answered(): void } | null = null;
  /** Idle buffers, the one used longest ago first. */
  #idle: GPUBuffer[] = [];

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  /**
   * Copies of the ranges after everything submitted so far; one mapping for all of them. mapAsync, not
   * onSubmittedWorkDone: the latter costs 2.5 ms on SwiftShader.
   */
  async read(ranges: readonly BufferRange[]): Promise<ArrayBuffer[]> {
    const { device } = this.#gpu;
    const asked = performance.now();
    const total = ranges.reduce((sum, r) => sum + padded(r.bytes), 0);
    const staging = this.#take(Math.max(4, total));
    const encoder = device.createCommandEncoder({ label: 'readback' });
    let at = 0;
    const starts = ranges.map(({ buffer, offset, bytes }) => {
      const start = at;
      encoder.copyBufferToBuffer(buffer, offset, staging, start, bytes);
      at += padded(bytes);
      return start;
    });
    device.queue.submit([encoder.finish()]);
    this.onRead?.asked();
    try {
      await staging.mapAsync(GPUMapMode.READ, 0, Math.ceil(Math.max(4, total) / 4) * 4);
    } finally {
      this.onRead?.answered();
    }
    const mapped = staging.getMappedRange(0, Math.ceil(Math.max(4, total) / 4) * 4);
    const copies = ranges.map(({ bytes }, i) => mapped.slice(starts[i]!, starts[i]! + bytes));
    staging.unmap();
    this.#keep(staging);
    this.onWait?.(asked, performance.now());
    return copies;
  }

  destroy(): void {
    for (const buffer of this.#idle) buffer.destroy();
    this.#idle = [];
  }

  /** The smallest idle buffer that is large enough, or a new one. */
  #take(bytes: number): GPUBuffer {
    const fitting = this.#idle.filter((b) => b.size >= bytes);
    const best = fitting.reduce<GPUBuffer | null>((a, b) => (a && a.size <= b.size ? a : b), null);
    if (best) {
      this.#idle.splice(this.#idle.indexOf(best), 1);
      return best;
    }
    return this.#gpu.device.createBuffer({
      label: 'readback',
      size: roundedUp(bytes),
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
  }

  #keep(buffer: GPUBuffer): void {
    this.#idle.push(buffer);
    let bytes = this.#idle.reduce((sum, b) => sum + b.size, 0);
    while (this.#idle.length > KEPT || bytes > KEPT_BYTES) {
      const oldest = this.#idle.shift()!;
      bytes -= oldest.size;
      oldest.destroy();
    }
  }
}

const padded = (bytes: number): number => Math.max(4, bytes);

/** Small reads are all alike; of the others, those of nearly the same size share a buffer of up to a quarter more. */
function roundedUp(bytes: number): number {
  if (bytes <= SMALL) return SMALL;
  const grain = 2 ** (Math.floor(Math.log2(bytes)) - 2);
  return Math.ceil(bytes / grain) * grain;
}
