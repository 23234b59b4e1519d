/**
 * Runs a compiled kernel, every invocation of it, and looks at each access to memory. Found and reported:
 *
 * - races: two invocations touch a word, one of them writes, and no barrier of that memory orders them. Different
 *   workgroups are never ordered within a dispatch.
 * - accesses out of bounds, which the browser would silently turn into others
 * - reads of memory that nobody has written
 * - barriers that only some invocations of a workgroup reach, and subgroup operations that only some lanes reach
 *
 * Invocations run one after the other up to what they wait for, so a kernel with a finding may compute anything.
 */
import * as builtins from './builtins.ts';
import {
  componentsOf,
  elementOf,
  scalarOf,
  strideOf,
  type CompiledKernel,
  type Runtime,
  type Wait,
} from './compile.ts';

export interface Finding {
  readonly kind: 'race' | 'out of bounds' | 'undefined' | 'divergence';
  readonly message: string;
}

/** Memory that outlives a dispatch: its bytes, and which words have been written. */
export class Memory {
  readonly bytes: ArrayBuffer;
  readonly known: Uint8Array;
  /** Words that kernels have read so far, each as often as it was. */
  reads = 0;

  constructor(byteLength: number, contents?: ArrayBufferView) {
    this.bytes = new ArrayBuffer(byteLength);
    this.known = new Uint8Array(byteLength / 4);
    if (contents) this.write(0, contents);
  }

  write(offset: number, data: ArrayBufferView): void {
    new Uint8Array(this.bytes).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    this.known.fill(1, offset / 4, Math.ceil((offset + data.byteLength) / 4));
  }

  /** What was never written stays so. */
  copy(offset: number, from: Memory, fromOffset: number, bytes: number): void {
    new Uint8Array(this.bytes).set(new Uint8Array(from.bytes, fromOffset, bytes), offset);
    this.known.set(from.known.subarray(fromOffset / 4, (fromOffset + bytes) / 4), offset / 4);
  }
}

/** A piece of memory as one binding sees it. */
export interface View {
  readonly memory: Memory;
  readonly offset: number;
  readonly bytes: number;
}

/** Who touched each word of a memory in this dispatch. Invocations count from 1; phases count a workgroup's barriers. */
class Trace {
  readonly writer: Int32Array;
  readonly writePhase: Int32Array;
  /** The last reader, one before it that is another, and one from another workgroup. */
  readonly last: Int32Array;
  readonly lastPhase: Int32Array;
  readonly before: Int32Array;
  readonly beforePhase: Int32Array;
  readonly elsewhere: Int32Array;

  constructor(words: number) {
    this.writer = new Int32Array(words);
    this.writePhase = new Int32Array(words);
    this.last = new Int32Array(words);
    this.lastPhase = new Int32Array(words);
    this.before = new Int32Array(words);
    this.beforePhase = new Int32Array(words);
    this.elsewhere = new Int32Array(words);
  }
}

interface Bound {
  readonly name: string;
  readonly space: 'storage' | 'workgroup';
  readonly writable: boolean;
  readonly memory: Memory;
  readonly trace: Trace;
  readonly values: Float32Array | Uint32Array | Int32Array;
  /** First word inside the memory, and how many there are. */
  readonly from: number;
  readonly words: number;
}

interface Invocation {
  readonly id: number;
  readonly local: number;
  readonly code: Generator<Wait, void, builtins.Value>;
  waiting: Wait | null;
  answer: builtins.Value;
}

const views = { f32: Float32Array, u32: Uint32Array, i32: Int32Array } as const;

export interface Dispatch {
  readonly kernel: CompiledKernel;
  readonly groups: readonly [number, number, number];
  readonly bindings: Readonly<Record<string, View>>;
  readonly params: Readonly<Record<string, number>>;
  /** Lanes of a subgroup. */
  readonly subgroupSize: number;
}

export function runDispatch(dispatch: Dispatch): Finding[] {
  return new DispatchRun(dispatch).run();
}

class DispatchRun implements Runtime {
  readonly b = builtins;
  readonly #dispatch: Dispatch;
  readonly #findings = new Map<string, Finding>();
  readonly #storage: Record<string, unknown> = {};
  readonly #size: number;
  /** Of the invocation that runs, and of its workgroup's barriers so far. */
  #current = 0;
  #phases = { storage: 0, workgroup: 0 };

  constructor(dispatch: Dispatch) {
    this.#dispatch = dispatch;
    const [x, y, z] = dispatch.kernel.workgroupSize;
    this.#size = x * y * z;
    const traces = new Map<Memory, Trace>();
    for (const buffer of dispatch.kernel.buffers) {
      if (buffer.space === 'uniform') this.#storage[buffer.name] = dispatch.params;
      if (buffer.space !== 'storage') continue;
      const view = dispatch.bindings[buffer.name];
      if (view === undefined) throw new Error(`nothing is bound to ${buffer.name}`);
      const trace = traces.get(view.memory) ?? new Trace(view.memory.known.length);
      traces.set(view.memory, trace);
      this.#storage[buffer.name] = bound(buffer.name, 'storage', buffer.writable, buffer.type, view, trace);
    }
  }

  run(): Finding[] {
    const [gx, gy, gz] = this.#dispatch.groups;
    for (let z = 0; z < gz; z++)
      for (let y = 0; y < gy; y++) for (let x = 0; x < gx; x++) this.#workgroup([x, y, z], x + gx * (y + gy * z));
    return [...this.#findings.values()];
  }

  load(memory: unknown, at: number, n: number, line: number): builtins.Value {
    const target = memory as Bound;
    if (n === 0) return this.#read(target, at, line);
    const values: number[] = [];
    for (let i = 0; i < n; i++) values.push(this.#read(target, at + i, line));
    return values;
  }

  store(memory: unknown, at: number, n: number, value: builtins.Value, line: number): void {
    const target = memory as Bound;
    if (n === 0) this.#write(target, at, Number(value), line);
    else for (let i = 0; i < n; i++) this.#write(target, at + i, Number((value as builtins.Value[])[i]), line);
  }

  index(i: number, size: number, line: number): number {
    if (i >= 0 && i < size) return i;
    this.#report('out of bounds', `line ${line}: index ${i} of ${size}`, `index ${line}`);
    return Math.min(Math.max(i, 0), size - 1);
  }

  #read(target: Bound, at: number, line: number): number {
    const word = this.#locate(target, at, line, 'reads');
    if (word < 0) return 0;
    if (target.memory.known[word] === 0)
      this.#report(
        'undefined',
        `line ${line}: reads ${target.name}[${at}], which nothing has written`,
        `${target.name} ${line}`,
      );
    const { writer, writePhase, last, lastPhase, before, beforePhase, elsewhere } = target.trace;
    const phase = this.#phases[target.space];
    if (this.#races(writer[word]!, writePhase[word]!, phase))
      this.#race(target, at, line, 'reads', writer[word]!, 'wrote');
    const previous = last[word]!;
    if (previous !== 0 && previous !== this.#current) {
      before[word] = previous;
      beforePhase[word] = lastPhase[word]!;
      if (this.#groupOf(previous) !== this.#groupOf(this.#current)) elsewhere[word] = previous;
    }
    last[word] = this.#current;
    lastPhase[word] = phase;
    target.memory.reads++;
    return target.values[word - target.from]!;
  }

  #write(target: Bound, at: number, value: number, line: number): void {
    const word = this.#locate(target, at, line, 'writes');
    if (word < 0) return;
    const { writer, writePhase, last, lastPhase, before, beforePhase, elsewhere } = target.trace;
    const phase = this.#phases[target.space];
    if (this.#races(writer[word]!, writePhase[word]!, phase))
      this.#race(target, at, line, 'writes', writer[word]!, 'wrote');
    // Workgroups run in order, so whoever read elsewhere did so in an earlier one: no phase can excuse it.
    const reader = this.#races(last[word]!, lastPhase[word]!, phase)
      ? last[word]!
      : this.#races(before[word]!, beforePhase[word]!, phase)
        ? before[word]!
        : elsewhere[word]!;
    if (this.#races(reader, phase, phase)) this.#race(target, at, line, 'writes', reader, 'read');
    writer[word] = this.#current;
    writePhase[word] = phase;
    target.memory.known[word] = 1;
    target.values[word - target.from] = value;
  }

  /** Word of the memory, or −1 outside of the binding. */
  #locate(target: Bound, at: number, line: number, does: string): number {
    if (at >= 0 && at < target.words) return target.from + at;
    this.#report(
      'out of bounds',
      `line ${line}: ${does} word ${at} of ${target.name}, which has ${target.words}`,
      `${target.name} ${line}`,
    );
    return -1;
  }

  #groupOf = (invocation: number): number => Math.floor((invocation - 1) / this.#size);

  #races(other: number, otherPhase: number, phase: number): boolean {
    if (other === 0 || other === this.#current) return false;
    return this.#groupOf(other) !== this.#groupOf(this.#current) || otherPhase === phase;
  }

  #race(target: Bound, at: number, line: number, does: string, other: number, did: string): void {
    const who = (invocation: number) =>
      `invocation ${(invocation - 1) % this.#size} of workgroup ${this.#groupOf(invocation)}`;
    this.#report(
      'race',
      `line ${line}: ${who(this.#current)} ${does} ${target.name}[${at}], which ${who(other)} ${did}, and nothing orders the two`,
      `${target.name} ${line} ${did}`,
    );
  }

  #report(kind: Finding['kind'], message: string, key: string): void {
    const known = `${kind} ${key}`;
    if (!this.#findings.has(known)) this.#findings.set(known, { kind, message });
  }

  #workgroup(group: readonly [number, number, number], number: number): void {
    const { kernel, subgroupSize } = this.#dispatch;
    const memory = { ...this.#storage };
    for (const buffer of kernel.buffers)
      if (buffer.space === 'workgroup') memory[buffer.name] = workgroupMemory(buffer.name, buffer.type);
    const [sx, sy] = kernel.workgroupSize;
    this.#phases = { storage: 0, workgroup: 0 };
    const invocations = Array.from({ length: this.#size }, (_, local): Invocation => {
      const id = [local % sx, Math.floor(local / sx) % sy, Math.floor(local / (sx * sy))];
      const code = kernel.start(this, memory, {
        local_invocation_id: id,
        local_invocation_index: local,
        global_invocation_id: id.map((v, axis) => v + group[axis]! * kernel.workgroupSize[axis]!),
        workgroup_id: [...group],
        num_workgroups: [...this.#dispatch.groups],
        subgroup_invocation_id: local % subgroupSize,
        subgroup_size: subgroupSize,
        subgroup_id: Math.floor(local / subgroupSize),
        num_subgroups: Math.ceil(this.#size / subgroupSize),
      });
      return { id: number * this.#size + local + 1, local, code, waiting: null, answer: 0 };
    });
    let running = invocations;
    while (running.length > 0) {
      for (const invocation of running) {
        this.#current = invocation.id;
        const next = invocation.code.next(invocation.answer);
        invocation.waiting = next.done ? null : next.value;
      }
      running = this.#release(invocations);
    }
  }

  /** Lets go those whose wait is over: subgroups first, then the workgroup's barrier. */
  #release(invocations: readonly Invocation[]): Invocation[] {
    const { subgroupSize } = this.#dispatch;
    const freed: Invocation[] = [];
    for (let at = 0; at < invocations.length; at += subgroupSize) {
      const lanes = invocations.slice(at, at + subgroupSize);
      const asking = lanes.filter((lane) => lane.waiting !== null && lane.waiting.kind in builtins.subgroup);
      if (asking.length === 0) continue;
      const wait = asking[0]!.waiting!;
      if (asking.length < lanes.length || asking.some((lane) => lane.waiting!.site !== wait.site)) {
        this.#report(
          'divergence',
          `line ${wait.line}: ${wait.kind} is reached by some lanes of a subgroup only`,
          `${wait.kind} ${wait.line}`,
        );
      }
      const together = asking.filter((lane) => lane.waiting!.site === wait.site);
      const answers = builtins.subgroup[wait.kind]!(
        together.map((l) => l.waiting!.value),
        together.map((l) => l.waiting!.operand),
        wait.float,
      );
      together.forEach((lane, i) => (lane.answer = answers[i]!));
      freed.push(...together);
    }
    if (freed.length > 0) return freed;
    const waiting = invocations.filter((invocation) => invocation.waiting !== null);
    if (waiting.length === 0) return [];
    const { kind, site, line } = waiting[0]!.waiting!;
    if (waiting.length < invocations.length || waiting.some((invocation) => invocation.waiting!.site !== site)) {
      this.#report(
        'divergence',
        `line ${line}: ${kind} is reached by some invocations of a workgroup only`,
        `${kind} ${line}`,
      );
    }
    if (kind === 'workgroupBarrier') this.#phases.workgroup++;
    if (kind === 'storageBarrier') this.#phases.storage++;
    return waiting;
  }
}

function bound(name: string, space: Bound['space'], writable: boolean, type: string, view: View, trace: Trace): Bound {
  const scalar = scalarOf(elementOf(type)?.element ?? type) as keyof typeof views;
  const make = views[scalar];
  if (make === undefined) throw new Error(`${name}: the emulator has no memory of ${type}`);
  const words = Math.floor(view.bytes / 4);
  return {
    name,
    space,
    writable,
    memory: view.memory,
    trace,
    values: new make(view.memory.bytes, view.offset, words),
    from: view.offset / 4,
    words,
  };
}

function workgroupMemory(name: string, type: string): Bound {
  const inner = elementOf(type);
  const words = inner ? inner.count * strideOf(inner.element) : Math.max(1, componentsOf(type));
  const memory = new Memory(words * 4);
  return bound(name, 'workgroup', true, type, { memory, offset: 0, bytes: words * 4 }, new Trace(words));
}
