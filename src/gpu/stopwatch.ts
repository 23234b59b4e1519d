/** Timestamps of passes: one query set, read back in one piece. Needs the feature timestamp-query. */
export interface Interval {
  readonly querySet: GPUQuerySet;
  readonly begin: number;
  readonly end: number;
}

/** Intervals of the largest query set that WebGPU allows. */
export const MOST_INTERVALS = 2048;

export class Stopwatch {
  readonly #device: GPUDevice;
  readonly #capacity: number;
  readonly #querySet: GPUQuerySet;
  readonly #resolved: GPUBuffer;
  readonly #staging: GPUBuffer;
  #used = 0;

  constructor(device: GPUDevice, capacity: number) {
    this.#device = device;
    this.#capacity = capacity;
    const size = capacity * 16;
    this.#querySet = device.createQuerySet({ label: 'stopwatch', type: 'timestamp', count: capacity * 2 });
    this.#resolved = device.createBuffer({
      label: 'timestamps',
      size,
      usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
    });
    this.#staging = device.createBuffer({
      label: 'timestamps read',
      size,
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
  }

  get left(): number {
    return this.#capacity - this.#used;
  }

  /** A place for two timestamps, or null when all are taken. */
  next(): Interval | null {
    if (this.#used === this.#capacity) return null;
    const at = this.#used++;
    return { querySet: this.#querySet, begin: 2 * at, end: 2 * at + 1 };
  }

  /** [beginning, end] of every interval taken since the last reading, in milliseconds of the device's clock. */
  async read(): Promise<(readonly [number, number])[]> {
    const count = this.#used;
    if (count === 0) return [];
    const encoder = this.#device.createCommandEncoder({ label: 'timestamps' });
    encoder.resolveQuerySet(this.#querySet, 0, 2 * count, this.#resolved, 0);
    encoder.copyBufferToBuffer(this.#resolved, 0, this.#staging, 0, 16 * count);
    this.#device.queue.submit([encoder.finish()]);
    await this.#staging.mapAsync(GPUMapMode.READ, 0, 16 * count);
    const ns = new BigUint64Array(this.#staging.getMappedRange(0, 16 * count).slice(0));
    this.#staging.unmap();
    this.#used = 0;
    return Array.from({ length: count }, (_, i) => [Number(ns[2 * i]!) / 1e6, Number(ns[2 * i + 1]!) / 1e6] as const);
  }

  destroy(): void {
    for (const object of [this.#querySet, this.#resolved, this.#staging]) object.destroy();
  }
}
