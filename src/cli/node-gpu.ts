/** Dawn under Node: the same WebGPU the browser has, for the command line, tests and benchmarks. */
import { create, globals } from 'webgpu';
import { openGpu, type Gpu, type GpuOptions } from '../gpu/device.ts';
import { waitCalmly } from './calm-waits.ts';

// Dawn aborts the process if one of these is collected while a device is alive.
const instances: GPU[] = [];

export interface NodeGpuOptions extends GpuOptions {
  readonly toggles?: readonly string[];
  /** Load the driver anew: it then looks at its environment, and has compiled nothing. */
  readonly anew?: boolean;
}

export async function openNodeGpu({ toggles, anew, ...options }: NodeGpuOptions = {}): Promise<Gpu> {
  Object.assign(globalThis, globals);
  waitCalmly();
  if (anew || !instances.length)
    instances.push(create([`enable-dawn-features=${(toggles ?? ['disable_workgroup_init']).join(',')}`]) as GPU);
  return openGpu(instances.at(-1), options);
}
