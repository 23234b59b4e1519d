/**
 * Kernels: a WGSL file with its constants filled in, compiled once per device. Bindings and parameters are read from
 * the source itself, so that nothing is declared twice: `dispatch` takes tensors and numbers by their WGSL names.
 *
 * A kernel file has one entry point `main`, storage bindings of group 0 in any order, and at most one uniform struct
 * named `Params` with scalar fields (u32, i32, f32).
 */
import { invariant } from '../base/error.ts';
import type { Gpu } from './device.ts';
import { library } from './library.ts';
import { Pipeline, warmPipelines, type OnCompiled } from './pipeline.ts';
import { sliceable, type Axis, type SliceAxis } from './slices.ts';
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
  /** Along which axis a dispatch may be run in slices; null: only as a whole. */
  readonly sliced: SliceAxis | null;
  readonly bindings: readonly KernelBinding[];
  readonly params: readonly KernelParam[];
  /** Shared by kernels whose sources expand to the same. */
  readonly pipeline: Pipeline;
}

/** What a kernel is made of: enough to make it again on another device. */
export interface KernelSource {
  readonly name: string;
  readonly source: string;
  readonly constants: Constants;
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
  readonly #pieces: Readonly<Record<string, string>>;
  readonly #kernels = new Map<string, Kernel>();
  readonly #pipelines = new Map<string, Pipeline>();
  readonly #sources: KernelSource[] = [];
  #ahead = false;

  /** @param pieces what kernels include by name */
  constructor(gpu: Gpu, pieces: Readonly<Record<string, string>> = library) {
    this.#gpu = gpu;
    this.#pieces = pieces;
  }

  /** Of every kernel asked for so far. */
  get sources(): readonly KernelSource[] {
    return this.#sources;
  }

  /** Constants every shader may use: LANES (threads that share a row) and SUBGROUPS (whether they can talk directly). */
  get builtins(): Constants {
    const size = this.#gpu.subgroupSize;
    return { SUBGROUPS: size > 0, LANES: size > 0 ? size : 32 };
  }

  get(name: string, source: string, constants: Constants = {}): Kernel {
    const key = `${name} ${JSON.stringify(constants)}`;
    const known = this.#kernels.get(key);
    if (known) return known;
    const kernel = this.#make(name, key, source, constants);
    this.#kernels.set(key, kernel);
    this.#sources.push({ name, source, constants });
    // A complaint is for `ready` to tell.
    if (this.#ahead) kernel.pipeline.compile().catch(() => undefined);
    return kernel;
  }

  /** What is asked for in `ask` begins to be compiled while more is asked for; `ready` sees it through. */
  ahead(ask: () => void): void {
    this.#ahead = true;
    try {
      ask();
    } finally {
      this.#ahead = false;
    }
  }

  /** Compiles what was asked for so far and nobody else has seen to; rejects with the first compile error. */
  async ready(onCompiled?: OnCompiled): Promise<void> {
    const all = [...this.#pipelines.values()];
    await warmPipelines(
      this.#gpu,
      all.filter((pipeline) => pipeline.claim()),
      onCompiled,
    );
    await Promise.all(all.map((pipeline) => pipeline.compile()));
  }

  #make(name: string, key: string, source: string, constants: Constants): Kernel {
    const code = expandTemplate(source, { ...this.builtins, ...constants }, this.#pieces);
    const bindings = parseBindings(code);
    const compiled = sliceable(code);
    let pipeline = this.#pipelines.get(code);
    if (!pipeline) {
      const entries = bindings.map(({ index, access }) => ({
        binding: index,
        type: access === 'uniform' ? access : access === 'read' ? ('read-only-storage' as const) : ('storage' as const),
      }));
      pipeline = new Pipeline(this.#gpu, key, compiled.code, entries);
      this.#pipelines.set(code, pipeline);
    }
    return { name, key, code, sliced: compiled.axis, bindings, params: parseParams(code), pipeline };
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

/** Where behind its parameters a kernel reads at which workgroup of a dimension its slice begins, in bytes. */
export const sliceOffset = ({ params }: Kernel, axis: Axis): number => 4 * (params.length + axis);
