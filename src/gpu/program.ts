/**
 * A recorded list of commands with its memory planned: write inputs, run, read outputs, as often as wanted.
 */
import { invariant } from '../base/error.ts';
import { packParams, type Kernel } from './kernel.ts';
import { FILL, Pace } from './pace.ts';
import type { Session } from './recorder.ts';
import { slices, type Slice } from './slices.ts';
import type { Storage, Tensor } from './tensor.ts';

export type Command =
  | {
      readonly type: 'dispatch';
      readonly kernel: Kernel;
      readonly tensors: readonly Tensor[];
      readonly params: Readonly<Record<string, number>>;
      readonly groups: readonly [number, number, number];
      /** Multiply-adds at most; 0 where moving bytes is all there is to it. */
      readonly multiplyAdds: number;
    }
  | { readonly type: 'clear'; readonly tensor: Tensor }
  | {
      readonly type: 'copy';
      readonly from: Tensor;
      readonly to: Tensor;
      readonly fromByte: number;
      readonly toByte: number;
      readonly bytes: number;
    };

/** Uniform slices must start at multiples of this (the default and largest minUniformBufferOffsetAlignment). */
const UNIFORM_STRIDE = 256;

/** What a submission is cut between: a command, or a slice of a dispatch that may take long. */
export interface Unit {
  /** Index of the command. */
  readonly command: number;
  /** null for transfers. */
  readonly slice: Slice | null;
}

export class Program {
  readonly label: string;
  readonly commands: readonly Command[];
  readonly units: readonly Unit[];
  /** Bytes of each arena slot this program uses. */
  readonly slotBytes: readonly number[];
  /** What its units take, learnt by running them. */
  readonly pace: Pace;
  readonly #session: Session;
  readonly #slots: ReadonlyMap<Storage, number>;
  readonly #uniforms: GPUBuffer | null;
  #bindGroups: (GPUBindGroup | null)[] = [];
  #version = -1;

  constructor(
    session: Session,
    label: string,
    commands: readonly Command[],
    slots: ReadonlyMap<Storage, number>,
    slotBytes: readonly number[],
  ) {
    this.#session = session;
    this.label = label;
    this.commands = commands;
    this.#slots = slots;
    this.slotBytes = slotBytes;
    const guesses = commands.map((command) => guessMs(command, session.gpu.software));
    this.units = commands.flatMap((command, i) => unitsOf(command, i, guesses[i]! / (session.queue.budgetMs * FILL)));
    this.#uniforms = this.#writeUniforms();
    const sharing = new Uint32Array(commands.length);
    for (const { command } of this.units) sharing[command]!++;
    this.pace = new Pace(this.units.map(({ command }) => guesses[command]! / sharing[command]!));
  }

  get transientBytes(): number {
    return this.slotBytes.reduce((a, b) => a + b, 0);
  }

  /** Writes an input tensor of this program (or any resident one). */
  write(tensor: Tensor, data: ArrayBufferView): void {
    this.#refresh();
    invariant(data.byteLength <= tensor.bytes, `${tensor.label}: ${data.byteLength} bytes do not fit ${tensor.bytes}`);
    this.#session.gpu.device.queue.writeBuffer(
      this.#buffer(tensor),
      tensor.offset,
      data.buffer as ArrayBuffer,
      data.byteOffset,
      data.byteLength,
    );
  }

  /** Submits every command, `times` times over. Returns at once; order on the queue is the order of calls. */
  run(times = 1): void {
    this.#session.queue.run(this, times);
  }

  /** Passes that `encode` opens for these units. */
  passes(from: number, to: number): number {
    let count = 0;
    for (let i = from; i < to; i++) if (this.units[i]!.slice && (i === from || !this.units[i - 1]!.slice)) count++;
    return count;
  }

  /**
   * Encodes units [from, to); slices of a dispatch that follow each other are one. `describe` is asked for the
   * descriptor of each pass, by the command that opens it; a pass holds as many dispatches as follow each other, or one
   * with `each`.
   */
  encode(
    encoder: GPUCommandEncoder,
    from: number,
    to: number,
    describe: (command: number) => GPUComputePassDescriptor,
    each = false,
  ): void {
    this.#refresh();
    let pass: GPUComputePassEncoder | null = null;
    for (let i = from; i < to; i++) {
      const { command: index, slice } = this.units[i]!;
      const command = this.commands[index]!;
      if (command.type === 'dispatch' && slice) {
        const groups: [number, number, number] = [...command.groups];
        groups[slice.axis] = slice.count;
        pass ??= encoder.beginComputePass(describe(index));
        pass.setPipeline(command.kernel.pipeline.compiled);
        pass.setBindGroup(0, this.#bindGroups[i]!);
        for (; i + 1 < to && this.units[i + 1]!.command === index; i++)
          groups[slice.axis]! += this.units[i + 1]!.slice!.count;
        pass.dispatchWorkgroups(...groups);
        if (!each) continue;
      }
      pass?.end();
      pass = null;
      if (command.type !== 'dispatch') this.#encodeTransfer(encoder, command);
    }
    pass?.end();
  }

  /** Reads tensors back after everything submitted so far; one mapping for all of them. */
  async read(...tensors: readonly Tensor[]): Promise<Float32Array[]> {
    const buffers = await this.readBytes(...tensors);
    return buffers.map((bytes) => new Float32Array(bytes));
  }

  async readBytes(...tensors: readonly Tensor[]): Promise<ArrayBuffer[]> {
    this.#refresh();
    return this.#session.readback.read(
      tensors.map((t) => ({ buffer: this.#buffer(t), offset: t.offset, bytes: t.bytes })),
    );
  }

  destroy(): void {
    this.#uniforms?.destroy();
    this.#bindGroups = [];
  }

  #encodeTransfer(encoder: GPUCommandEncoder, command: Exclude<Command, { type: 'dispatch' }>): void {
    if (command.type === 'clear')
      encoder.clearBuffer(this.#buffer(command.tensor), command.tensor.offset, command.tensor.bytes);
    else
      encoder.copyBufferToBuffer(
        this.#buffer(command.from),
        command.from.offset + command.fromByte,
        this.#buffer(command.to),
        command.to.offset + command.toByte,
        command.bytes,
      );
  }

  #buffer(tensor: Tensor): GPUBuffer {
    if (tensor.storage.buffer) return tensor.storage.buffer;
    const slot = this.#slots.get(tensor.storage);
    invariant(slot !== undefined, `${tensor.label} is not part of ${this.label}`);
    return this.#session.arena.slot(slot);
  }

  #refresh(): void {
    const { arena, gpu } = this.#session;
    if (this.#version === arena.version) return;
    this.#bindGroups = this.units.map(({ command: index }, i) => {
      const command = this.commands[index]!;
      if (command.type !== 'dispatch') return null;
      let next = 0;
      const entries = command.kernel.bindings.map((binding) => {
        if (binding.access === 'uniform')
          return {
            binding: binding.index,
            resource: { buffer: this.#uniforms!, offset: i * UNIFORM_STRIDE, size: UNIFORM_STRIDE },
          };
        const tensor = command.tensors[next++]!;
        return {
          binding: binding.index,
          resource: { buffer: this.#buffer(tensor), offset: tensor.offset, size: Math.max(4, tensor.bytes) },
        };
      });
      return gpu.device.createBindGroup({
        label: command.kernel.name,
        layout: command.kernel.pipeline.layout,
        entries,
      });
    });
    this.#version = arena.version;
  }

  #writeUniforms(): GPUBuffer | null {
    if (!this.commands.length) return null;
    const data = new DataView(new ArrayBuffer(this.units.length * UNIFORM_STRIDE));
    this.units.forEach(({ command: index, slice }, i) => {
      const command = this.commands[index]!;
      if (command.type === 'dispatch') packParams(command.kernel, command.params, slice!, data, i * UNIFORM_STRIDE);
    });
    const { device } = this.#session.gpu;
    const buffer = device.createBuffer({
      label: `${this.label} parameters`,
      size: data.byteLength,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    });
    device.queue.writeBuffer(buffer, 0, data.buffer);
    return buffer;
  }
}

/** @param wanted parts that a dispatch should be cut into */
function unitsOf(command: Command, index: number, wanted: number): Unit[] {
  if (command.type !== 'dispatch') return [{ command: index, slice: null }];
  return slices(command.groups, command.kernel.sliced, wanted).map((slice) => ({ command: index, slice }));
}

/** What a slow adapter does in a millisecond at least, a CPU pretending or a GPU on a processor's chip. */
const SLOW = {
  software: { bytes: 1e5, multiplyAdds: 1e6 },
  hardware: { bytes: 2e6, multiplyAdds: 1e8 },
} as const;

/**
 * Milliseconds of a command before it was ever timed, on the high side: one run cut too finely costs less than one that
 * holds the GPU.
 */
function guessMs(command: Command, software: boolean): number {
  const slow = SLOW[software ? 'software' : 'hardware'];
  const multiplyAdds = command.type === 'dispatch' ? command.multiplyAdds : 0;
  return 0.02 + Math.max(bytesOf(command) / slow.bytes, multiplyAdds / slow.multiplyAdds);
}

function bytesOf(command: Command): number {
  if (command.type === 'copy') return command.bytes;
  if (command.type === 'clear') return command.tensor.bytes;
  return [...new Set(command.tensors)].reduce((sum, t) => sum + t.bytes, 0);
}

/** Contents of resident tensors. */
export async function readTensors(session: Session, ...tensors: readonly Tensor[]): Promise<Float32Array[]> {
  const ranges = tensors.map((t) => {
    invariant(t.storage.buffer, `${t.label} is transient: read it through its program`);
    return { buffer: t.storage.buffer, offset: t.offset, bytes: t.bytes };
  });
  return (await session.readback.read(ranges)).map((bytes) => new Float32Array(bytes));
}
