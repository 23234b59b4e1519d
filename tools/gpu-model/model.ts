/**
 * How long a kernel would take on a card, from its instructions. Of a turn of its loop five things are reckoned, and the
 * largest is the time: what the vector units issue, what workgroup memory and the first cache deliver, what memory
 * delivers, and how long a wave waits for its loads, shared among the waves that a SIMD holds. Nothing is fitted to
 * measurements: it is a bound that says what to mend, not a prediction.
 */
import { matrixMultiplyAdds, sum, type Instruction, type Kernel } from './assembly.ts';
import { peak, type Family } from './families.ts';

/** Clocks of a SIMD for a wave's instruction in the vector unit. */
function issue({ kind, multiplyAdds }: Instruction, lanes: number, family: Family): number {
  if (kind === 'matrix') return family.matrixClocks;
  if (kind !== 'fma' && kind !== 'vector') return 0;
  // A wave of 64 is two halves, which go together where the unit is double and the instruction is a multiply-add.
  if (lanes === 64) return family.dual && multiplyAdds > 0 ? 1 : 2;
  return 1;
}

export interface Cost {
  /** Clocks of a SIMD a turn and wave, each were it alone. */
  readonly issue: number;
  readonly shared: number;
  readonly cache: number;
  readonly latency: number;
  /** Share of the vector unit's clocks in multiply-adds or matrix products. */
  readonly useful: number;
  readonly multiplyAdds: number;
}

/** A wave alone: clocks of a turn, waiting for its own loads. Two turns are gone through, and the second one counts. */
function alone(turn: readonly Instruction[], lanes: number, family: Family): number {
  const { latency } = family;
  let clock = 0;
  let memory: number[] = [];
  let shared: number[] = [];
  const settle = (pending: number[], left: number): number[] => {
    const due = pending.slice(0, Math.max(0, pending.length - left));
    for (const time of due) clock = Math.max(clock, time);
    return pending.slice(due.length);
  };
  const once = () => {
    for (const instruction of turn) {
      clock += Math.max(1, issue(instruction, lanes, family));
      if (instruction.kind === 'load') memory.push(clock + latency.memory);
      if (instruction.kind === 'shared') shared.push(clock + latency.shared);
      if (instruction.kind === 'fetch') shared.push(clock + latency.scalar);
      if (instruction.pending?.memory !== undefined) memory = settle(memory, instruction.pending.memory);
      if (instruction.pending?.shared !== undefined) shared = settle(shared, instruction.pending.shared);
    }
  };
  once();
  const first = clock;
  once();
  return clock - first;
}

/** @param waves that a SIMD has at work */
export function costOf({ turn, lanes }: Kernel, family: Family, waves: number): Cost {
  const moved = (kinds: readonly string[]) =>
    sum(turn, ({ kind, bytes }) => (kinds.includes(kind) ? bytes * lanes : 0));
  const busy = sum(turn, (i) => issue(i, lanes, family));
  const useful = sum(turn, (i) => (i.kind === 'matrix' || i.multiplyAdds > 0 ? issue(i, lanes, family) : 0));
  // A unit's memories serve all its SIMDs.
  const perSimd = (bytes: number, rate: number) => (bytes / rate) * family.simds;
  return {
    issue: busy,
    shared: perSimd(moved(['shared']), family.sharedBytes),
    cache: perSimd(moved(['load', 'store']), family.cacheBytes),
    latency: alone(turn, lanes, family) / Math.max(1, waves),
    useful: busy > 0 ? useful / busy : 0,
    multiplyAdds: sum(turn, (i) => i.multiplyAdds + (i.kind === 'matrix' ? matrixMultiplyAdds(lanes) : 0)) * lanes,
  };
}

export interface Work {
  readonly groups: readonly number[];
  readonly multiplyAdds: number;
  readonly bytes: number;
}

export interface Time {
  readonly seconds: number;
  readonly bound: 'issue' | 'shared' | 'cache' | 'latency' | 'memory';
  /** Of the card's f32 peak. */
  readonly share: number;
}

/** Invocations of a workgroup, from its source. */
export function timeOf(kernel: Kernel, work: Work, invocations: number, family: Family): Time {
  const simds = family.units * family.simds;
  const groups = work.groups.reduce((a, b) => a * b, 1);
  const all = groups * Math.ceil(invocations / kernel.lanes);
  const cost = costOf(kernel, family, Math.min(kernel.statistics.waves, Math.ceil(all / simds)));
  // Products that were not told how much they do (norms, copies) are bound by their bytes.
  const turns = cost.multiplyAdds > 0 && work.multiplyAdds > 0 ? work.multiplyAdds / cost.multiplyAdds : all;
  // SIMDs that have a wave at all.
  const used = Math.min(simds, all);
  // The units that have one workgroup more than others end last.
  const uneven = Math.ceil(groups / family.units) / (groups / family.units);
  const even = groups > family.units ? uneven : 1;
  const clocks = (each: number) => (even * each * turns) / used / (family.ghz * 1e9);
  const parts = {
    issue: clocks(cost.issue),
    shared: clocks(cost.shared),
    cache: clocks(cost.cache),
    latency: clocks(cost.latency),
    memory: work.bytes / family.memoryBytes,
  };
  const bound = (Object.keys(parts) as (keyof typeof parts)[]).reduce((a, b) => (parts[a] >= parts[b] ? a : b));
  const seconds = parts[bound];
  return { seconds, bound, share: seconds > 0 ? work.multiplyAdds / seconds / peak(family) : 0 };
}
