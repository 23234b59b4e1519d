/**
 * A device that allocates nothing. The same code that prepares a run (weights, adapters, programs with their planned
 * memory) goes through it unchanged, and what it would have allocated can be read off: the memory plan is a rehearsal,
 * not a second set of formulas. Nothing can be run on it.
 */
import type { Gpu } from './device.ts';

export interface DryGpu {
  readonly gpu: Gpu;
  /** Bytes of the buffers now alive, by label. */
  live(): ReadonlyMap<string, number>;
}

/** What planning needs to know of an adapter. */
export type GpuTraits = Pick<Gpu, 'software' | 'profile' | 'matrix' | 'subgroupSize' | 'features'> & {
  readonly limits: Pick<GPUSupportedLimits, 'maxStorageBufferBindingSize' | 'maxComputeWorkgroupsPerDimension'>;
};

/** Of a current desktop GPU, for planning without one. */
export const DESKTOP: GpuTraits = {
  software: false,
  profile: 'shared',
  matrix: null,
  subgroupSize: 32,
  features: { f16: true, subgroups: true, timestamps: true },
  limits: { maxStorageBufferBindingSize: 2 ** 31 - 4, maxComputeWorkgroupsPerDimension: 65_535 },
};

export function dryGpu(traits: GpuTraits): DryGpu {
  const alive = new Set<{ readonly label: string; readonly size: number }>();
  const device = {
    createBuffer({ label = '', size }: GPUBufferDescriptor) {
      const buffer = {
        label,
        size,
        destroy: () => alive.delete(buffer),
        getMappedRange: () => new ArrayBuffer(size),
        unmap: () => {},
      };
      alive.add(buffer);
      return buffer;
    },
    createBindGroupLayout: () => ({}),
    createShaderModule: () => ({}),
    createPipelineLayout: () => ({}),
    createComputePipeline: () => ({}),
    pushErrorScope: () => {},
    popErrorScope: () => Promise.resolve(null),
    queue: { writeBuffer: () => {}, onSubmittedWorkDone: () => Promise.resolve() },
  };
  return {
    gpu: {
      ...traits,
      device: device as unknown as GPUDevice,
      limits: traits.limits as GPUSupportedLimits,
      name: 'rehearsal',
      vendor: '',
      identity: 'rehearsal',
      compilesLate: false,
      lost: new Promise(() => {}),
      destroy: () => alive.clear(),
    },
    live: () => {
      const sums = new Map<string, number>();
      for (const { label, size } of alive) sums.set(label, (sums.get(label) ?? 0) + size);
      return sums;
    },
  };
}
