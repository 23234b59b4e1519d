/** Dawn under Node: the same WebGPU the browser has, for the command line, tests and benchmarks. */
import { create, globals } from 'webgpu';
import { openGpu, type Gpu, type GpuOptions } from '../gpu/device.ts';

// Dawn aborts the process if this object is collected while a device is alive.
let instance: GPU | undefined;

export async function openNodeGpu(options: GpuOptions & { toggles?: readonly string[] } = {}): Promise<Gpu> {
  Object.assign(globalThis, globals);
  instance ??= create([`enable-dawn-features=${(options.toggles ?? ['disable_workgroup_init']).join(',')}`]) as GPU;
  return openGpu(instance, options);
}
