/**
 * Kernels: a WGSL file with its constants filled in, compiled once per device. Bindings and parameters are read from
 * the source itself, so that nothing is declared twice: `dispatch` takes tensors and numbers by their WGSL names.
 *
 * A kernel file has one entry point `main`, storage bindings of group 0 in any order, and at most one uniform struct
 * named `Params` with scalar fields (u32, i32, f32).
 */
import { GroundworkError, invariant } from '../base/error.ts';
import type { Gpu } from './device.ts';
import { library } from './library.ts';
import { expandTemplate, type Constants } from './template.ts';

export interface KernelBinding {
  readonly name: string;
  readonly index: number;
  readonly access: 'read' | 'read_write' | 'uniform';
}

export interface KernelParam {
  readonly name: string;
  readonly type: 'u32' | 'i32' | 'f32';
}

export interface Kernel {
  readonly name: string;
  readonly key: string;
  readonly code: string;
  readonly bindings: readonly KernelBinding[];
  readonly params: readonly KernelParam[];
  readonly layout: GPUBindGroupLayout;
  readonly pipeline: GPUComputePipeline;
}

export function parseBindings(code: string): KernelBinding[] {
  const found = [
    ...code.matchAll(
      /@group\(0\)\s*@binding\((\d+)\)\s*var<\s*(storage|uniform)\s*(?:,\s*(read_write|read))?\s*>\s*(\w+)/g,
    ),
  ];
  return found.map((m) => ({
    name: m[4]!,
    index: Number(m[1]),
    access: m[2] === 'uniform' ? 'uniform' : ((m[3] ?? 'read') as 'read' | 'read_write'),
  }));
}

export function parseParams(code: string): KernelParam[] {
  const body = /struct\s+Params\s*\{([^}]*)\}/.exec(code)?.[1] ?? '';
  return [...body.matchAll(/(\w+)\s*:\s*(u32|i32|f32)\s*,?/g)].map((m) => ({
    name: m[1]!,
    type: m[2] as KernelParam['type'],
  }));
}

/** All kernels of one device. */
export class KernelCache {
  readonly #gpu: Gpu;
  readonly #kernels = new Map<string, Kernel>();
  #pending: Promise<unknown>[] = [];

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  /** Constants every shader may use: LANES (threads that share a row) and SUBGROUPS (whether they can talk directly). */
  get builtins(): Constants {
    const size = this.#gpu.subgroupSize;
    return { SUBGROUPS: size > 0, LANES: size > 0 ? size : 32, SOFTWARE: this.#gpu.software };
  }

  get(name: string, source: string, constants: Constants = {}): Kernel {
    const key = `${name} ${JSON.stringify(constants)}`;
    const known = this.#kernels.get(key);
    if (known) return known;
    const kernel = this.#compile(name, key, source, constants);
    this.#kernels.set(key, kernel);
    return kernel;
  }

  /** Settles when every kernel asked for so far was checked by the driver; rejects with the first compile error. */
  async ready(): Promise<void> {
    const pending = this.#pending;
    this.#pending = [];
    await Promise.all(pending);
  }

  #compile(name: string, key: string, source: string, constants: Constants): Kernel {
    const { device } = this.#gpu;
    const code = expandTemplate(source, { ...this.builtins, ...constants }, library);
    const bindings = parseBindings(code);
    const layout = device.createBindGroupLayout({
      label: name,
      entries: bindings.map((b) => ({
        binding: b.index,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type: b.access === 'uniform' ? 'uniform' : b.access === 'read' ? 'read-only-storage' : 'storage' },
      })),
    });
    device.pushErrorScope('validation');
    const module = device.createShaderModule({ label: name, code });
    const pipeline = device.createComputePipeline({
      label: name,
      layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: { module, entryPoint: 'main' },
    });
    this.#pending.push(
      device.popErrorScope().then((error) => {
        if (error)
          throw new GroundworkError(
            'shader-compile',
            `${key}: ${error.message}`,
            'The graphics driver refused a shader. Update the driver or browser; if it persists, report it with this message.',
          );
      }),
    );
    return { name, key, code, bindings, params: parseParams(code), layout, pipeline };
  }
}

/** Writes parameters in the struct's order; missing or unknown names are defects. */
export function packParams(
  kernel: Kernel,
  values: Readonly<Record<string, number>>,
  view: DataView,
  offset: number,
): void {
  kernel.params.forEach((param, i) => {
    const value = values[param.name];
    invariant(value !== undefined, `${kernel.name}: parameter ${param.name} is missing`);
    if (param.type === 'f32') view.setFloat32(offset + 4 * i, value, true);
    else if (param.type === 'i32') view.setInt32(offset + 4 * i, value, true);
    else view.setUint32(offset + 4 * i, value, true);
  });
  for (const name of Object.keys(values))
    invariant(
      kernel.params.some((p) => p.name === name),
      `${kernel.name} has no parameter ${name}`,
    );
}
