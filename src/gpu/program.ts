/**
 * A recorded list of commands with its memory planned: write inputs, run, read outputs, as often as wanted.
 */
import { invariant } from '../base/error.ts';
import { packParams, sliceOffset, type Kernel } from './kernel.ts';
import { Pace } from './pace.ts';
import type { Session } from './recorder.ts';
import { axisOf } from './slices.ts';
import type { Storage, Tensor } from './tensor.ts';

export interface Dispatch {
  readonly type: 'dispatch';
  readonly kernel: Kernel;
  readonly tensors: readonly Tensor[];
  readonly params: Readonly<Record<string, number>>;
  readonly groups: readonly [number, number, number];
  /** Multiply-adds at most; 0 where moving bytes is all there is to it. */
  readonly multiplyAdds: number;
}

export type Command =
  | Dispatch
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

/** Bytes of a transfer between two cuts. */
const TRANSFER_CELL = 2 ** 20;

export class Program {
  readonly label: string;
  readonly commands: readonly Command[];
  /** Bytes of each arena slot this program uses. */
  readonly slotBytes: readonly number[];
  /** What its commands take, learnt by running them. */
  readonly pace: Pace;
  /** The first cell of each command, and behind them the number of all: see `cellsOf`. */
  readonly #cells: readonly number[];
  readonly #session: Session;
  readonly #slots: ReadonlyMap<Storage, number>;
  readonly #uniforms: GPUBuffer | null;
  /** Where the slice of each command begins by what its parameters now say. */
  readonly #firsts: Uint32Array;
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
    const cells = commands.map(cellsOf);
    let next = 0;
    this.#cells = [0, ...cells.map((count) => (next += count))];
    this.#firsts = new Uint32Array(commands.length);
    this.#uniforms = this.#writeUniforms();
    this.pace = new Pace(
      commands.map((command, i) => ({ ms: guessMs(command, session.gpu.software), cells: cells[i]! })),
    );
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

  /** Cells of one run: what a submission is cut between. */
  get cells(): number {
    return this.#cells.at(-1)!;
  }

  /** Passes that `encode` opens for these cells. */
  passes(from: number, to: number): number {
    let [count, open] = [0, false];
    for (const { command } of this.#parts(from, to)) {
      const dispatch = command.type === 'dispatch';
      if (dispatch && !open) count++;
      open = dispatch;
    }
    return count;
  }

  /** The cells of each command whose first is among these. */
  wholes(from: number, to: number): { readonly from: number; readonly to: number }[] {
    return [...this.#parts(from, to)].flatMap(({ index, first }) =>
      first === 0 ? [{ from: this.#cells[index]!, to: this.#cells[index + 1]! }] : [],
    );
  }

  /**
   * Encodes cells [from, to). `describe` is asked for the descriptor of each pass, by the command that opens it; a pass
   * holds as many dispatches as follow each other, or one with `each`. Where a slice begins is written to the queue at
   * once, so this is to be submitted before anything else of the program is encoded, and no command may be part of it
   * twice with another beginning: see `Pace.cut`.
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
    for (const { index, command, first, count } of this.#parts(from, to)) {
      if (command.type === 'dispatch') {
        pass ??= encoder.beginComputePass(describe(index));
        this.#encodeDispatch(pass, index, command, first, count);
        if (!each) continue;
      }
      pass?.end();
      pass = null;
      if (command.type !== 'dispatch') this.#encodeTransfer(encoder, command, first, count);
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

  /** Commands of which cells [from, to) of a run are a part: `count` cells of theirs from `first` on. */
  *#parts(from: number, to: number): Generator<{ index: number; command: Command; first: number; count: number }> {
    for (let index = this.#commandAt(from); index < this.commands.length && this.#cells[index]! < to; index++) {
      const [start, end] = [this.#cells[index]!, this.#cells[index + 1]!];
      const first = Math.max(from, start) - start;
      yield { index, command: this.commands[index]!, first, count: Math.min(to, end) - start - first };
    }
  }

  /** The command that has a cell, by bisection. */
  #commandAt(cell: number): number {
    let [low, high] = [0, this.commands.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#cells[middle]! <= cell) low = middle;
      else high = middle;
    }
    return low;
  }

  #encodeDispatch(
    pass: GPUComputePassEncoder,
    index: number,
    { kernel, groups }: Dispatch,
    first: number,
    count: number,
  ) {
    const counts: [number, number, number] = [...groups];
    if (kernel.sliced !== null) {
      const axis = axisOf(groups, kernel.sliced);
      counts[axis] = count;
      if (this.#firsts[index] !== first) {
        this.#firsts[index] = first;
        const at = index * UNIFORM_STRIDE + sliceOffset(kernel, axis);
        this.#session.gpu.device.queue.writeBuffer(this.#uniforms!, at, this.#firsts, index, 1);
      }
    }
    pass.setPipeline(kernel.pipeline.compiled);
    pass.setBindGroup(0, this.#bindGroups[index]!);
    pass.dispatchWorkgroups(...counts);
  }

  #encodeTransfer(encoder: GPUCommandEncoder, command: Exclude<Command, Dispatch>, first: number, count: number): void {
    const skipped = first * TRANSFER_CELL;
    const bytes = Math.min(bytesOf(command) - skipped, count * TRANSFER_CELL);
    if (command.type === 'clear')
      encoder.clearBuffer(this.#buffer(command.tensor), command.tensor.offset + skipped, bytes);
    else
      encoder.copyBufferToBuffer(
        this.#buffer(command.from),
        command.from.offset + command.fromByte + skipped,
        this.#buffer(command.to),
        command.to.offset + command.toByte + skipped,
        bytes,
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
    this.#bindGroups = this.commands.map((command, i) => {
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
    const data = new DataView(new ArrayBuffer(this.commands.length * UNIFORM_STRIDE));
    this.commands.forEach((command, i) => {
      if (command.type === 'dispatch') packParams(command.kernel, command.params, data, i * UNIFORM_STRIDE);
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

/**
 * Into how many cells a command can be cut: workgroups along one dimension of a dispatch, stretches of a transfer. One
 * where it only runs as a whole.
 */
function cellsOf(command: Command): number {
  if (command.type !== 'dispatch') return Math.max(1, Math.ceil(bytesOf(command) / TRANSFER_CELL));
  const { groups, kernel } = command;
  return kernel.sliced === null ? 1 : groups[axisOf(groups, kernel.sliced)];
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
