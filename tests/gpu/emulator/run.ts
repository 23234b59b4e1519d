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
import type { Value } from './builtins.ts';
import type { CompiledKernel, Runtime, Site } from './compile.ts';
import { componentsOf, elementOf, scalarOf, strideOf } from './types.ts';

export interface Finding {
  readonly kind: 'race' | 'out of bounds' | 'undefined' | 'divergence';
  readonly message: string;
}

/** Memory that outlives a dispatch: its bytes, and which words have been written. */
export class Memory {
  readonly bytes: ArrayBuffer;
  readonly known: Uint8Array;
  /** Who touched its words in the present dispatch. */
  readonly trace: Int32Array;
  /** Words that kernels have read so far, each as often as it was. */
  reads = 0;

  constructor(byteLength: number, contents?: ArrayBufferView) {
    this.bytes = new ArrayBuffer(byteLength);
    this.known = new Uint8Array(byteLength / 4);
    this.trace = new Int32Array(TRACE * this.known.length);
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

/**
 * Who touched each word of a memory in this dispatch, TRACE numbers a word, side by side. Invocations count from 1;
 * phases count a workgroup's barriers.
 */
const TRACE = 8;
const [WRITER, WRITE_PHASE] = [0, 1];
/** The last reader, one before it that is another, and one from another workgroup. */
const [LAST, LAST_PHASE, BEFORE, BEFORE_PHASE, ELSEWHERE] = [2, 3, 4, 5, 6];

interface Bound {
  readonly name: string;
  readonly storage: boolean;
  readonly memory: Memory;
  readonly values: Float32Array | Uint32Array | Int32Array;
  /** First word inside the memory, and how many there are. */
  readonly from: number;
  readonly words: number;
}

interface Invocation {
  readonly id: number;
  readonly code: Generator<Site, void, Value>;
  /** Where it waits, and what it brings; null where it runs on, or has ended. */
  waiting: Site | null;
  value: Value;
  operand: number;
  /** What it waited for. */
  answer: Value;
  ready: boolean;
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
  readonly #dispatch: Dispatch;
  readonly #findings = new Map<string, Finding>();
  readonly #workgroupMemory: Bound[] = [];
  readonly #size: number;
  /** The invocation that runs, the first and last of its workgroup, and the workgroup's barriers so far. */
  #current = 0;
  #first = 0;
  #last = 0;
  #storagePhase = 0;
  #workgroupPhase = 0;
  value: Value = 0;
  operand = 0;

  constructor(dispatch: Dispatch) {
    this.#dispatch = dispatch;
    const { kernel } = dispatch;
    const [x, y, z] = kernel.workgroupSize;
    this.#size = x * y * z;
    const memory: Record<string, unknown> = {};
    for (const { name, space, type } of kernel.buffers) {
      if (space === 'uniform') memory[name] = dispatch.params;
      else if (space === 'workgroup') {
        const own = workgroupMemory(name, type);
        this.#workgroupMemory.push(own);
        memory[name] = own;
      } else {
        const view = dispatch.bindings[name];
        if (view === undefined) throw new Error(`nothing is bound to ${name}`);
        view.memory.trace.fill(0, (TRACE * view.offset) / 4, (TRACE * (view.offset + view.bytes)) / 4);
        memory[name] = bound(name, true, type, view);
      }
    }
    kernel.bind(this, memory);
  }

  run(): Finding[] {
    const [gx, gy, gz] = this.#dispatch.groups;
    for (let z = 0; z < gz; z++)
      for (let y = 0; y < gy; y++) for (let x = 0; x < gx; x++) this.#workgroup([x, y, z], x + gx * (y + gy * z));
    return [...this.#findings.values()];
  }

  load(memory: unknown, at: number, line: number): number {
    return this.#read(memory as Bound, at, line);
  }

  loadVector(memory: unknown, at: number, n: number, line: number): number[] {
    const target = memory as Bound;
    const [x, y] = [this.#read(target, at, line), this.#read(target, at + 1, line)];
    if (n === 2) return [x, y];
    const z = this.#read(target, at + 2, line);
    return n === 3 ? [x, y, z] : [x, y, z, this.#read(target, at + 3, line)];
  }

  store(memory: unknown, at: number, value: Value, line: number): void {
    this.#write(memory as Bound, at, Number(value), line);
  }

  storeVector(memory: unknown, at: number, n: number, value: Value, line: number): void {
    for (let i = 0; i < n; i++) this.#write(memory as Bound, at + i, Number((value as Value[])[i]), line);
  }

  index(i: number, size: number, line: number): number {
    if (i >= 0 && i < size) return i;
    this.#report('out of bounds', `index ${line}`, () => `line ${line}: index ${i} of ${size}`);
    return Math.min(Math.max(i, 0), size - 1);
  }

  #read(target: Bound, at: number, line: number): number {
    const word = this.#locate(target, at, line, 'reads');
    if (word < 0) return 0;
    if (target.memory.known[word] === 0)
      this.#report(
        'undefined',
        `${target.name} ${line}`,
        () => `line ${line}: reads ${target.name}[${at}], which nothing has written`,
      );
    const { trace } = target.memory;
    const t = TRACE * word;
    const phase = target.storage ? this.#storagePhase : this.#workgroupPhase;
    if (this.#races(trace[t + WRITER]!, trace[t + WRITE_PHASE]!, phase))
      this.#race(target, at, line, 'reads', trace[t + WRITER]!, 'wrote');
    const previous = trace[t + LAST]!;
    if (previous !== this.#current) {
      if (previous !== 0) {
        trace[t + BEFORE] = previous;
        trace[t + BEFORE_PHASE] = trace[t + LAST_PHASE]!;
        if (previous < this.#first) trace[t + ELSEWHERE] = previous;
      }
      trace[t + LAST] = this.#current;
    }
    trace[t + LAST_PHASE] = phase;
    target.memory.reads++;
    return target.values[word - target.from]!;
  }

  #write(target: Bound, at: number, value: number, line: number): void {
    const word = this.#locate(target, at, line, 'writes');
    if (word < 0) return;
    const { trace } = target.memory;
    const t = TRACE * word;
    const phase = target.storage ? this.#storagePhase : this.#workgroupPhase;
    if (this.#races(trace[t + WRITER]!, trace[t + WRITE_PHASE]!, phase))
      this.#race(target, at, line, 'writes', trace[t + WRITER]!, 'wrote');
    // Workgroups run in order, so whoever read elsewhere did so in an earlier one: no phase can excuse it.
    const [last, before] = [trace[t + LAST]!, trace[t + BEFORE]!];
    const reader = this.#races(last, trace[t + LAST_PHASE]!, phase)
      ? last
      : this.#races(before, trace[t + BEFORE_PHASE]!, phase)
        ? before
        : trace[t + ELSEWHERE]!;
    if (this.#races(reader, phase, phase)) this.#race(target, at, line, 'writes', reader, 'read');
    trace[t + WRITER] = this.#current;
    trace[t + WRITE_PHASE] = phase;
    target.memory.known[word] = 1;
    target.values[word - target.from] = value;
  }

  /** Word of the memory, or −1 outside of the binding. */
  #locate(target: Bound, at: number, line: number, does: string): number {
    if (at >= 0 && at < target.words) return target.from + at;
    this.#report(
      'out of bounds',
      `${target.name} ${line}`,
      () => `line ${line}: ${does} word ${at} of ${target.name}, which has ${target.words}`,
    );
    return -1;
  }

  #races(other: number, otherPhase: number, phase: number): boolean {
    if (other === 0 || other === this.#current) return false;
    return otherPhase === phase || other < this.#first || other > this.#last;
  }

  #race(target: Bound, at: number, line: number, does: string, other: number, did: string): void {
    const who = (invocation: number) =>
      `invocation ${(invocation - 1) % this.#size} of workgroup ${Math.floor((invocation - 1) / this.#size)}`;
    this.#report(
      'race',
      `${target.name} ${line} ${did}`,
      () =>
        `line ${line}: ${who(this.#current)} ${does} ${target.name}[${at}], which ${who(other)} ${did}, and nothing orders the two`,
    );
  }

  /** The first finding of its kind and key: where there is one, there are thousands. */
  #report(kind: Finding['kind'], key: string, message: () => string): void {
    const known = `${kind} ${key}`;
    if (!this.#findings.has(known)) this.#findings.set(known, { kind, message: message() });
  }

  #workgroup(group: readonly [number, number, number], number: number): void {
    const { kernel, subgroupSize } = this.#dispatch;
    for (const { memory } of this.#workgroupMemory) {
      memory.known.fill(0);
      memory.trace.fill(0);
    }
    const [sx, sy] = kernel.workgroupSize;
    this.#storagePhase = this.#workgroupPhase = 0;
    this.#first = number * this.#size + 1;
    this.#last = this.#first + this.#size - 1;
    const begin = (local: number) => {
      const id = [local % sx, Math.floor(local / sx) % sy, Math.floor(local / (sx * sy))];
      return kernel.begin({
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
    };
    if (!kernel.waits) {
      for (let local = 0; local < this.#size; local++) {
        this.#current = this.#first + local;
        begin(local);
      }
      return;
    }
    const invocations = Array.from({ length: this.#size }, (_, local): Invocation => {
      const code = begin(local)!;
      return { id: this.#first + local, code, waiting: null, value: 0, operand: 0, answer: 0, ready: true };
    });
    const subgroups: Invocation[][] = [];
    for (let at = 0; at < this.#size; at += subgroupSize) subgroups.push(invocations.slice(at, at + subgroupSize));
    do for (const lanes of subgroups) this.#subgroup(lanes);
    while (this.#barrier(invocations));
  }

  /** Runs the lanes of a subgroup on, until each waits for a barrier or has ended. */
  #subgroup(lanes: readonly Invocation[]): void {
    let exchanging = true;
    while (exchanging) {
      for (const lane of lanes) if (lane.ready) this.#resume(lane);
      exchanging = this.#exchange(lanes);
    }
  }

  #resume(invocation: Invocation): void {
    this.#current = invocation.id;
    invocation.ready = false;
    const next = invocation.code.next(invocation.answer);
    if (next.done) {
      invocation.waiting = null;
      return;
    }
    invocation.waiting = next.value;
    invocation.value = this.value;
    invocation.operand = this.operand;
  }

  /** Gives the lanes that wait at one subgroup operation what it gives them. @returns whether there were any */
  #exchange(lanes: readonly Invocation[]): boolean {
    const site = lanes.find((lane) => lane.waiting?.exchange)?.waiting;
    if (!site) return false;
    const together = lanes.filter((lane) => lane.waiting === site);
    if (together.length < lanes.length) {
      const { line, kind } = site;
      this.#report(
        'divergence',
        `${kind} ${line}`,
        () => `line ${line}: ${kind} is reached by some lanes of a subgroup only`,
      );
    }
    const answers = site.exchange!(
      together.map((lane) => lane.value),
      together.map((lane) => lane.operand),
      site.float,
    );
    for (let i = 0; i < together.length; i++) {
      together[i]!.answer = answers[i]!;
      together[i]!.ready = true;
    }
    return true;
  }

  /** Lets go who waits for the workgroup's barrier. @returns whether anyone did */
  #barrier(invocations: readonly Invocation[]): boolean {
    const waiting = invocations.filter((invocation) => invocation.waiting !== null);
    if (waiting.length === 0) return false;
    const site = waiting[0]!.waiting!;
    if (waiting.length < invocations.length || waiting.some((invocation) => invocation.waiting !== site)) {
      const { line, kind } = site;
      this.#report(
        'divergence',
        `${kind} ${line}`,
        () => `line ${line}: ${kind} is reached by some invocations of a workgroup only`,
      );
    }
    if (site.kind === 'workgroupBarrier') this.#workgroupPhase++;
    if (site.kind === 'storageBarrier') this.#storagePhase++;
    for (const invocation of waiting) invocation.ready = true;
    return true;
  }
}

function bound(name: string, storage: boolean, type: string, view: View): Bound {
  const scalar = scalarOf(elementOf(type)?.element ?? type) as keyof typeof views;
  const make = views[scalar];
  if (make === undefined) throw new Error(`${name}: the emulator has no memory of ${type}`);
  const words = Math.floor(view.bytes / 4);
  return {
    name,
    storage,
    memory: view.memory,
    values: new make(view.memory.bytes, view.offset, words),
    from: view.offset / 4,
    words,
  };
}

function workgroupMemory(name: string, type: string): Bound {
  const inner = elementOf(type);
  const words = inner ? inner.count * strideOf(inner.element) : Math.max(1, componentsOf(type));
  const memory = new Memory(words * 4);
  return bound(name, false, type, { memory, offset: 0, bytes: words * 4 });
}
