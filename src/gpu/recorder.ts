/**
 * Records a list of commands once, to be replayed many times. While recording nothing runs and transient tensors have
 * no memory; `finish` plans it by liveness. That one list is also the memory plan and the profile.
 */
import { GroundworkError, invariant } from '../base/error.ts';
import { Arena, planLives, type Life } from './arena.ts';
import type { Gpu } from './device.ts';
import { KernelCache, type Kernel } from './kernel.ts';
import { Program, type Command } from './program.ts';
import { Readback } from './readback.ts';
import { WorkQueue, type WorkQueueOptions } from './work-queue.ts';
import type { Constants } from './template.ts';
import { byteSize, Storage, Tensor, type DType } from './tensor.ts';

export interface SessionOptions extends WorkQueueOptions {
  /** Smaller than what the adapter binds: for tests. */
  readonly weightPartBytes?: number;
  /** Told of a tensor that is larger than the adapter binds, which is else refused: for planning. */
  readonly onUnbindable?: (label: string, bytes: number) => void;
  /** Told of every program that is recorded: for planning. */
  readonly onProgram?: (program: Program) => void;
  /** WGSL that kernels include, in place of gpu/library.ts: for tests. */
  readonly pieces?: Readonly<Record<string, string>>;
  /** Another session's on such a device, in place of its own: to learn what will be compiled there. */
  readonly kernels?: KernelCache;
}

/** Device, kernels and shared memory of one session. */
export class Session {
  readonly gpu: Gpu;
  readonly kernels: KernelCache;
  readonly arena: Arena;
  readonly readback: Readback;
  readonly queue: WorkQueue;
  /** Bytes of a frozen matrix that lie in one piece; longer ones are split by rows (ops/matrix.ts). */
  readonly weightPartBytes: number;
  readonly #onUnbindable: SessionOptions['onUnbindable'];
  readonly onProgram: SessionOptions['onProgram'];
  #resident = new Map<GPUBuffer, string>();

  constructor(gpu: Gpu, options: SessionOptions = {}) {
    this.gpu = gpu;
    this.weightPartBytes = options.weightPartBytes ?? gpu.limits.maxStorageBufferBindingSize;
    this.#onUnbindable = options.onUnbindable;
    this.onProgram = options.onProgram;
    this.kernels = options.kernels ?? new KernelCache(gpu, options.pieces);
    this.arena = new Arena(gpu);
    this.readback = new Readback(gpu);
    this.queue = new WorkQueue(gpu, this.readback, options);
  }

  /** A tensor with memory of its own, zero at first. Destroy it with `release`. */
  resident(label: string, shape: readonly number[], dtype: DType = 'f32', data?: ArrayBufferView): Tensor {
    const bytes = Math.max(4, byteSize(shape, dtype));
    this.checkBinding(label, bytes);
    const buffer = this.gpu.device.createBuffer({
      label,
      size: bytes,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
    });
    this.#resident.set(buffer, label);
    const tensor = new Tensor(label, dtype, shape, new Storage(label, bytes, buffer));
    if (data) this.write(tensor, data);
    return tensor;
  }

  /** All that it holds on the device: what stays, and the arena of steps. */
  get bytes(): number {
    return this.residentBytes + this.arena.bytes;
  }

  get residentBytes(): number {
    let sum = 0;
    for (const buffer of this.#resident.keys()) sum += buffer.size;
    return sum;
  }

  /** Labels of resident tensors now alive; a test that ends with more than it began with has leaked. */
  get residentLabels(): string[] {
    return [...this.#resident.values()];
  }

  /** Writes `data` at `byte` (a multiple of 4) of the tensor. */
  write(tensor: Tensor, data: ArrayBufferView, byte = 0): void {
    invariant(tensor.storage.buffer, `${tensor.label} is transient and cannot be written from outside`);
    invariant(
      byte + data.byteLength <= tensor.bytes,
      `${tensor.label}: ${data.byteLength} bytes at ${byte} do not fit ${tensor.bytes}`,
    );
    const padded = data.byteLength % 4 === 0 ? data : padToWord(data);
    this.gpu.device.queue.writeBuffer(
      tensor.storage.buffer,
      tensor.offset + byte,
      padded.buffer as ArrayBuffer,
      padded.byteOffset,
      padded.byteLength,
    );
  }

  /** Resolves when everything handed to the device so far is done, so that what was staged for it is free again. */
  async settled(): Promise<void> {
    await this.gpu.device.queue.onSubmittedWorkDone();
  }

  release(...tensors: readonly Tensor[]): void {
    for (const { storage } of tensors) {
      if (!storage.buffer) continue;
      storage.buffer.destroy();
      this.#resident.delete(storage.buffer);
    }
  }

  checkBinding(label: string, bytes: number): void {
    const limit = this.gpu.limits.maxStorageBufferBindingSize;
    if (bytes <= limit) return;
    if (this.#onUnbindable) return this.#onUnbindable(label, bytes);
    throw new GroundworkError(
      'binding-limit',
      `${label} needs a buffer of ${bytes} bytes, but this device binds at most ${limit}.`,
      'Use a shorter sequence, fewer rows per step or a smaller model.',
    );
  }

  destroy(): void {
    for (const buffer of this.#resident.keys()) buffer.destroy();
    this.#resident.clear();
    this.arena.destroy();
    this.readback.destroy();
    this.queue.destroy();
    this.gpu.destroy();
  }
}

export type Groups = readonly [x: number, y?: number, z?: number];

export interface RecorderOptions {
  /**
   * Kernels are chosen as for so many times the rows there are. Where this makes the same of every number of rows, the
   * same code computes a row whatever others come with it: its values are then equal to the bit.
   */
  readonly alike?: number;
}

export class Recorder {
  readonly session: Session;
  readonly label: string;
  /** See `RecorderOptions`. */
  readonly alike: number;
  readonly #commands: Command[] = [];
  readonly #lives = new Map<Storage, { first: number; last: number }>();
  readonly #inputs: Tensor[] = [];
  readonly #outputs: Tensor[] = [];

  constructor(session: Session, label: string, { alike = 1 }: RecorderOptions = {}) {
    this.session = session;
    this.label = label;
    this.alike = alike;
  }

  /** A transient tensor; its contents are undefined until a kernel writes them. */
  empty(label: string, shape: readonly number[], dtype: DType = 'f32'): Tensor {
    const bytes = Math.max(4, byteSize(shape, dtype));
    this.session.checkBinding(label, bytes);
    return new Tensor(label, dtype, shape, new Storage(label, bytes, null));
  }

  /** A transient tensor written with `program.write` before each run. */
  input(label: string, shape: readonly number[], dtype: DType = 'f32'): Tensor {
    const tensor = this.empty(label, shape, dtype);
    this.#inputs.push(tensor);
    return tensor;
  }

  /** Keeps a transient tensor's contents until the end of the run, to be read back. */
  output(tensor: Tensor): Tensor {
    this.#outputs.push(tensor);
    return tensor;
  }

  dispatch(
    name: string,
    source: string,
    options: {
      constants?: Constants;
      bind: Readonly<Record<string, Tensor>>;
      params?: Readonly<Record<string, number>>;
      groups: Groups;
      /** At most so many; what the first submissions are cut by. Left out where moving bytes is all there is to it. */
      multiplyAdds?: number;
    },
  ): void {
    const kernel = this.session.kernels.get(name, source, options.constants);
    const [x, y = 1, z = 1] = options.groups;
    if (x * y * z === 0) return;
    const limit = this.session.gpu.limits.maxComputeWorkgroupsPerDimension;
    invariant(
      x <= limit && y <= limit && z <= limit,
      `${name}: ${x}×${y}×${z} workgroups exceed ${limit} in one dimension`,
    );
    const tensors = checkBindings(kernel, options.bind);
    for (const tensor of tensors) this.#touch(tensor.storage);
    const { params = {}, multiplyAdds = 0 } = options;
    this.#commands.push({ type: 'dispatch', kernel, tensors, params, groups: [x, y, z], multiplyAdds });
  }

  /** Fills with zero bytes. */
  clear(tensor: Tensor): void {
    this.#touch(tensor.storage);
    this.#commands.push({ type: 'clear', tensor });
  }

  /** Copies bytes; offsets and length must be multiples of 4. */
  copy(from: Tensor, to: Tensor, options: { fromByte?: number; toByte?: number; bytes?: number } = {}): void {
    this.#touch(from.storage);
    this.#touch(to.storage);
    this.#commands.push({
      type: 'copy',
      from,
      to,
      fromByte: options.fromByte ?? 0,
      toByte: options.toByte ?? 0,
      bytes: options.bytes ?? from.bytes,
    });
  }

  /** Bytes of transient memory the commands recorded so far need. */
  get plannedBytes(): number {
    return planLives(this.#planInput().lives).sizes.reduce((a, b) => a + b, 0);
  }

  finish(): Program {
    const { storages, lives } = this.#planInput();
    const plan = planLives(lives);
    this.session.arena.reserve(plan.sizes);
    const program = new Program(
      this.session,
      this.label,
      this.#commands,
      new Map(storages.map((s, i) => [s, plan.slots[i]!])),
      plan.sizes,
    );
    this.session.onProgram?.(program);
    return program;
  }

  #planInput(): { storages: Storage[]; lives: Life[] } {
    const end = this.#commands.length;
    for (const tensor of this.#inputs) this.#extend(tensor.storage, -1);
    for (const tensor of this.#outputs) this.#extend(tensor.storage, end);
    const storages = [...this.#lives.keys()];
    return { storages, lives: storages.map((s) => ({ bytes: s.bytes, ...this.#lives.get(s)! })) };
  }

  #touch(storage: Storage): void {
    this.#extend(storage, this.#commands.length);
  }

  #extend(storage: Storage, at: number): void {
    if (storage.buffer) return;
    const life = this.#lives.get(storage);
    if (!life) this.#lives.set(storage, { first: at, last: at });
    else {
      life.first = Math.min(life.first, at);
      life.last = Math.max(life.last, at);
    }
  }
}

function padToWord(data: ArrayBufferView): Uint8Array {
  const padded = new Uint8Array(Math.ceil(data.byteLength / 4) * 4);
  padded.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return padded;
}

/** Tensors in the kernel's binding order. A storage both written and bound twice would be a race or an invalid use. */
function checkBindings(kernel: Kernel, bind: Readonly<Record<string, Tensor>>): Tensor[] {
  const tensors = kernel.bindings
    .filter((b) => b.access !== 'uniform')
    .map((b) => {
      const tensor = bind[b.name];
      invariant(tensor, `${kernel.name}: binding ${b.name} is missing`);
      return { tensor, access: b.access };
    });
  for (const name of Object.keys(bind))
    invariant(
      kernel.bindings.some((b) => b.name === name),
      `${kernel.name} has no binding ${name}`,
    );
  for (const a of tensors)
    for (const b of tensors)
      invariant(
        a === b || a.tensor.storage !== b.tensor.storage || (a.access === 'read' && b.access === 'read'),
        `${kernel.name}: ${a.tensor.label} is written and bound twice`,
      );
  return tensors.map((t) => t.tensor);
}
