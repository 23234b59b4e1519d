/**
 * Runs kernels on an emulator that sees every access to memory (see emulator/run.ts for what it finds). A GPU shows
 * a missing barrier only when it is unlucky; this shows it always, and on any machine.
 */
import type { Program } from '../../src/gpu/program.ts';
import type { Storage, Tensor } from '../../src/gpu/tensor.ts';
import { compileKernel, type CompiledKernel } from './emulator/compile.ts';
import { Memory, runDispatch, type Finding } from './emulator/run.ts';

export interface RaceCheck {
  readonly groups: readonly [x: number, y?: number, z?: number];
  /** Storage buffers by WGSL name; a number makes one of so many bytes that nothing has written. */
  readonly bind: Readonly<Record<string, ArrayBufferView | number>>;
  readonly params?: Readonly<Record<string, number>>;
  readonly subgroupSize?: number;
}

/** Runs one kernel, directives expanded. */
export function checkRaces(
  source: string,
  { groups: [x, y = 1, z = 1], bind, params = {}, subgroupSize = 8 }: RaceCheck,
): Finding[] {
  const bindings = Object.fromEntries(
    Object.entries(bind).map(([name, contents]) => {
      const memory = typeof contents === 'number' ? new Memory(contents) : new Memory(contents.byteLength, contents);
      return [name, { memory, offset: 0, bytes: memory.bytes.byteLength }];
    }),
  );
  return runDispatch({ kernel: compileKernel(source), groups: [x, y, z], bindings, params, subgroupSize });
}

const compiled = new Map<string, CompiledKernel>();

function kernelOf(source: string): CompiledKernel {
  const known = compiled.get(source) ?? compileKernel(source);
  compiled.set(source, known);
  return known;
}

export interface ProgramCheck {
  readonly findings: readonly string[];
  /** What a tensor holds afterwards. */
  readonly read: (tensor: Tensor) => ArrayBuffer;
  /** Words of a tensor's memory that its kernels read, each as often as it was. */
  readonly reads: (tensor: Tensor) => number;
}

export interface ProgramCheckOptions {
  readonly subgroupSize?: number;
  /** Changes each kernel's source first, to see whether the change is noticed. */
  readonly edit?: (source: string) => string;
}

/**
 * Runs a recorded program. Transient tensors start out undefined; resident ones hold zeros. `contents` are the inputs.
 */
export function checkProgram(
  program: Program,
  contents: readonly { readonly tensor: Tensor; readonly data: ArrayBufferView }[],
  { subgroupSize = 8, edit = (source) => source }: ProgramCheckOptions = {},
): ProgramCheck {
  const memories = new Map<Storage, Memory>();
  const memoryOf = ({ storage }: Tensor): Memory => {
    const bytes = Math.ceil(storage.bytes / 4) * 4;
    const known = memories.get(storage) ?? new Memory(bytes, storage.buffer ? new Uint8Array(bytes) : undefined);
    memories.set(storage, known);
    return known;
  };
  for (const { tensor, data } of contents) memoryOf(tensor).write(tensor.offset, data);
  const findings = new Set<string>();
  for (const command of program.commands) {
    if (command.type === 'clear')
      memoryOf(command.tensor).write(command.tensor.offset, new Uint8Array(command.tensor.bytes));
    else if (command.type === 'copy') {
      const { from, to, fromByte, toByte, bytes } = command;
      memoryOf(to).copy(to.offset + toByte, memoryOf(from), from.offset + fromByte, bytes);
    } else {
      const { kernel, tensors, params, groups } = command;
      const names = kernel.bindings.filter((b) => b.access !== 'uniform').map((b) => b.name);
      const bindings = Object.fromEntries(
        tensors.map((t, i) => [names[i]!, { memory: memoryOf(t), offset: t.offset, bytes: Math.max(4, t.bytes) }]),
      );
      for (const { kind, message } of runDispatch({
        kernel: kernelOf(edit(kernel.code)),
        groups,
        bindings,
        params,
        subgroupSize,
      })) {
        findings.add(`${kind} in ${kernel.key}: ${message}`);
      }
    }
  }
  return {
    findings: [...findings],
    read: (tensor) => memoryOf(tensor).bytes.slice(tensor.offset, tensor.offset + tensor.bytes),
    reads: (tensor) => memoryOf(tensor).reads,
  };
}
