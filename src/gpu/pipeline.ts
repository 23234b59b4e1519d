/**
 * One compute pipeline per expanded source. Compiled ahead and concurrently (`warmPipelines`), or when first asked for.
 */
import { GroundworkError } from '../base/error.ts';
import type { Gpu } from './device.ts';

export interface LayoutEntry {
  readonly binding: number;
  readonly type: GPUBufferBindingType;
}

export class Pipeline {
  readonly layout: GPUBindGroupLayout;
  readonly label: string;
  readonly #gpu: Gpu;
  readonly #code: string;
  readonly #entries: readonly LayoutEntry[];
  #compiled: GPUComputePipeline | null = null;
  /** Settles when the driver has checked it; rejects with its complaint. */
  #checked: Promise<void> | null = null;
  #claimed = false;

  constructor(gpu: Gpu, label: string, code: string, entries: readonly LayoutEntry[]) {
    this.#gpu = gpu;
    this.#code = code;
    this.#entries = entries;
    this.label = label;
    this.layout = this.#layoutOn(gpu.device);
  }

  /** Compiled now, if it was not before. */
  get compiled(): GPUComputePipeline {
    this.#claimed = true;
    if (this.#compiled) return this.#compiled;
    const { device } = this.#gpu;
    device.pushErrorScope('validation');
    this.#compiled = device.createComputePipeline(this.#descriptor(device, this.layout));
    this.#checked = device.popErrorScope().then((error) => {
      if (error) throw refused(this.label, error.message);
    });
    // Whoever waits for `compile` is told; nobody has to.
    this.#checked.catch(() => {});
    return this.#compiled;
  }

  /** In characters. */
  get codeLength(): number {
    return this.#code.length;
  }

  get started(): boolean {
    return this.#checked !== null;
  }

  /** Whether it is for the caller to warm it: true once, and never after it was used. */
  claim(): boolean {
    const first = !this.#claimed;
    this.#claimed = true;
    return first;
  }

  /** Compiles without holding up the thread. Rejects with `shader-compile`. */
  compile(): Promise<void> {
    return (this.#checked ??= this.#compileAhead());
  }

  /** One workgroup over zeros, with nothing to do: for drivers that put off compiling until a kernel is first used. */
  async touch(device: GPUDevice): Promise<void> {
    const own = device === this.#gpu.device;
    const layout = own ? this.layout : this.#layoutOn(device);
    const pipeline = own ? this.compiled : await device.createComputePipelineAsync(this.#descriptor(device, layout));
    const buffers = this.#entries.map(() =>
      device.createBuffer({ label: 'warm-up', size: 256, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.UNIFORM }),
    );
    const entries = this.#entries.map(({ binding }, i) => ({ binding, resource: { buffer: buffers[i]! } }));
    // Whatever is amiss with so little memory is no concern of anybody's.
    device.pushErrorScope('validation');
    const encoder = device.createCommandEncoder({ label: 'warm-up' });
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, device.createBindGroup({ layout, entries }));
    pass.dispatchWorkgroups(1);
    pass.end();
    device.queue.submit([encoder.finish()]);
    await Promise.all([device.popErrorScope(), device.queue.onSubmittedWorkDone()]);
    for (const buffer of buffers) buffer.destroy();
  }

  async #compileAhead(): Promise<void> {
    const { device } = this.#gpu;
    device.pushErrorScope('validation');
    const descriptor = this.#descriptor(device, this.layout);
    const invalid = device.popErrorScope();
    try {
      const pipeline = await device.createComputePipelineAsync(descriptor);
      this.#compiled ??= pipeline;
    } catch (error) {
      // What is wrong with the source is said where it was given; here only that it cannot be used.
      throw refused(this.label, (await invalid)?.message ?? (error as Error).message);
    }
  }

  #layoutOn(device: GPUDevice): GPUBindGroupLayout {
    return device.createBindGroupLayout({
      label: this.label,
      entries: this.#entries.map(({ binding, type }) => ({
        binding,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type },
      })),
    });
  }

  #descriptor(device: GPUDevice, layout: GPUBindGroupLayout): GPUComputePipelineDescriptor {
    return {
      label: this.label,
      layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: { module: device.createShaderModule({ label: this.label, code: this.#code }), entryPoint: 'main' },
    };
  }
}

/** Kernels for which making a second device pays. */
const WORTH_A_DEVICE = 6;

/** Told how many of the pipelines are ready. */
export type OnCompiled = (done: number, total: number) => void;

/** Compiles all of them, as many at once as the driver does. Rejects with the first complaint. */
export async function warmPipelines(gpu: Gpu, pipelines: readonly Pipeline[], onCompiled?: OnCompiled): Promise<void> {
  let done = 0;
  const total = pipelines.length;
  const ready = () => onCompiled?.(++done, total);
  if (total === 0) return;
  onCompiled?.(0, total);
  // Longest first, so that all end together; what takes long is long code.
  const waiting = pipelines.toSorted((a, b) => b.codeLength - a.codeLength);
  const compiled = waiting.map((pipeline) => pipeline.compile());
  if (!gpu.compilesLate) return void (await Promise.all(compiled.map((c) => c.then(ready))));
  // Such a driver compiles on the thread of a device's queue: with a second device it compiles two kernels at once, and
  // keeps what it has compiled for both.
  const asked = total >= WORTH_A_DEVICE ? gpu.spare?.() : undefined;
  const work = async (device: GPUDevice) => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      await next.compile();
      await next.touch(device);
      ready();
    }
  };
  // Two at once on each: whoever hands out kernels may be kept from it for as long as one takes to compile.
  const both = (device: GPUDevice) => Promise.all([work(device), work(device)]);
  try {
    await Promise.all([both(gpu.device), asked?.then((spare) => spare && both(spare)), ...compiled]);
  } finally {
    (await asked)?.destroy();
  }
}

const refused = (key: string, message: string) =>
  new GroundworkError(
    'shader-compile',
    `${key}: ${message}`,
    'The graphics driver refused a shader. Update the driver or the browser. If it happens again, report it with this message.',
  );
