/** What Mesa's compiler (ACO) printed of a kernel: its statistics, and its code as instructions with their loops. */

export type Kind = 'fma' | 'matrix' | 'vector' | 'scalar' | 'shared' | 'load' | 'store' | 'fetch' | 'wait' | 'barrier';

export interface Instruction {
  readonly op: string;
  readonly kind: Kind;
  /** Multiply-adds that a lane does in it: two where two are issued together. */
  readonly multiplyAdds: number;
  /** Bytes that a lane moves. */
  readonly bytes: number;
  /** Of a wait: how many of the loads of each kind may still be under way; undefined: any. */
  readonly pending?: { readonly memory?: number; readonly shared?: number };
}

export interface Statistics {
  readonly registers: number;
  readonly spilled: number;
  /** Bytes of workgroup memory. */
  readonly shared: number;
  /** That a SIMD holds at a time. */
  readonly waves: number;
}

export interface Kernel {
  readonly name: string;
  readonly statistics: Statistics;
  readonly lanes: 32 | 64;
  /** One turn of the loop that has most multiply-adds, its inner loops as often as they go round; else all of the code. */
  readonly turn: readonly Instruction[];
  readonly loops: boolean;
}

const DUAL = /::/;

function kindOf(op: string): Kind {
  if (/^v_(?:s)?wmma/.test(op)) return 'matrix';
  if (op.startsWith('ds_')) return 'shared';
  if (/^(?:buffer|global|scratch|flat)_store/.test(op)) return 'store';
  if (/^(?:buffer|global|scratch|flat)_/.test(op)) return 'load';
  if (/^s_(?:load|buffer_load)/.test(op)) return 'fetch';
  if (op.startsWith('s_wait')) return 'wait';
  if (op.startsWith('s_barrier')) return 'barrier';
  if (op.startsWith('v_')) return /fma|v_dot2|v_mac/.test(op) ? 'fma' : 'vector';
  return 'scalar';
}

const WIDTHS: Readonly<Record<string, number>> = { b8: 1, u8: 1, b16: 2, u16: 2, b32: 4, b64: 8, b96: 12, b128: 16 };

function bytesOf(op: string): number {
  const width = WIDTHS[/_([bu]\d+)$/.exec(op.replace(/_e(?:32|64)$/, ''))?.[1] ?? ''] ?? 4;
  return op.includes('2addr') ? 2 * width : width;
}

function pendingOf(op: string, line: string): NonNullable<Instruction['pending']> {
  const count = (name: string) => {
    const found = new RegExp(`${name}\\((\\d+)\\)`).exec(line)?.[1];
    return found === undefined ? undefined : Number(found);
  };
  const bare = /^s_wait_(\w+cnt(?:_\w+cnt)?) (0x[0-9a-f]+|\d+)/.exec(line.trim());
  if (bare) {
    const value = Number(bare[2]);
    return {
      ...(/loadcnt/.test(op) && { memory: op.includes('_dscnt') ? value >> 8 : value }),
      ...(/dscnt/.test(op) && { shared: value & 63 }),
    };
  }
  const [memory, shared] = [count('vmcnt'), count('lgkmcnt')];
  return { ...(memory !== undefined && { memory }), ...(shared !== undefined && { shared }) };
}

function parse(line: string): Instruction | null {
  const op = /^\s+([a-z]\w+)/.exec(line)?.[1];
  if (op === undefined) return null;
  const kind = kindOf(op);
  const halves = DUAL.test(line) ? line.split('::') : [line];
  const fmas = halves.filter((half) => /\bv_(?:dual_)?(?:fma|fmac|mac)/.test(half)).length;
  const dot = op.startsWith('v_dot2') ? 2 : 0;
  return {
    op,
    kind: kind === 'vector' && fmas > 0 ? 'fma' : kind,
    multiplyAdds: fmas + dot,
    bytes: kind === 'shared' || kind === 'load' || kind === 'store' ? bytesOf(op) : 0,
    ...(kind === 'wait' && { pending: pendingOf(op, line) }),
  };
}

interface Block {
  readonly name: string;
  readonly instructions: Instruction[];
  readonly lines: string[];
}

function blocksOf(text: string): Block[] {
  const blocks: Block[] = [];
  for (const line of text.split('\n')) {
    const name = /^(BB\d+):/.exec(line)?.[1];
    if (name !== undefined) blocks.push({ name, instructions: [], lines: [] });
    const instruction = blocks.length > 0 ? parse(line.split(';')[0]!) : null;
    if (instruction === null) continue;
    blocks.at(-1)!.instructions.push(instruction);
    blocks.at(-1)!.lines.push(line);
  }
  return blocks;
}

interface Loop {
  readonly from: number;
  readonly to: number;
}

/** Stretches of blocks that end in a branch back to their beginning. */
function loopsOf(blocks: readonly Block[]): Loop[] {
  const place = new Map(blocks.map(({ name }, i) => [name, i]));
  const ends = new Map<number, number>();
  blocks.forEach(({ lines }, i) => {
    for (const line of lines) {
      const to = place.get(/s_c?branch\w*\s+(BB\d+)/.exec(line)?.[1] ?? '');
      if (to !== undefined && to <= i) ends.set(to, Math.max(ends.get(to) ?? 0, i));
    }
  });
  return [...ends].map(([from, to]) => ({ from, to }));
}

const inside = (inner: Loop, outer: Loop) => inner !== outer && inner.from >= outer.from && inner.to <= outer.to;

/** How often a loop goes round whose counter is compared with a number: limit over step. */
function turnsOf(blocks: readonly Block[], { from, to }: Loop): number {
  const lines = blocks.slice(from, to + 1).flatMap((block) => block.lines);
  for (const line of lines) {
    const [, counter, limit] =
      /s_cmp_(?:lt|ge|gt|le|eq|lg)_[ui]32\s+(s\d+), (0x[0-9a-f]+|\d+)/.exec(line) ??
      /s_cmpk_(?:lt|ge|gt|le|eq|lg)_[ui]32\s+(s\d+), (0x[0-9a-f]+|\d+)/.exec(line) ??
      [];
    if (counter === undefined) continue;
    const step = lines
      .map(
        (l) => new RegExp(`s_addk?_(?:[iu]32|co_i32)\\s+${counter}, (?:${counter}, )?(0x[0-9a-f]+|\\d+)`).exec(l)?.[1],
      )
      .find((found) => found !== undefined);
    if (step !== undefined) return Math.max(1, Math.round(Number(limit) / Number(step)));
  }
  return 1;
}

/** Instructions of a turn, with inner loops unrolled as often as they go round. */
function turn(blocks: readonly Block[], loops: readonly Loop[], { from, to }: Loop): Instruction[] {
  const all: Instruction[] = [];
  for (let i = from; i <= to; i++) {
    const inner = loops.find(
      (loop) => loop.from === i && inside(loop, { from, to }) && !(loop.from === from && loop.to === to),
    );
    if (inner) {
      const once = turn(
        blocks,
        loops.filter((loop) => loop !== inner),
        inner,
      );
      for (let t = Math.min(64, turnsOf(blocks, inner)); t > 0; t--) all.push(...once);
      i = inner.to;
    } else all.push(...blocks[i]!.instructions);
  }
  return all;
}

export const sum = (instructions: readonly Instruction[], value: (i: Instruction) => number): number =>
  instructions.reduce((total, instruction) => total + value(instruction), 0);

/** A 16 × 16 × 16 product by 32 lanes is 128 multiply-adds of each; by 64 lanes it is 64. */
export const matrixMultiplyAdds = (lanes: number): number => 4096 / lanes;

function number(text: string, name: string): number {
  return Number(new RegExp(`^${name}: (\\d+)`, 'm').exec(text)?.[1] ?? NaN);
}

/** Kernels between marks of what a run printed. */
export function readLog(log: string): Kernel[] {
  return [...log.matchAll(/@@BEGIN (.*)\n([\s\S]*?)@@END/g)].map(([, name, text]) => {
    const lanes = /exec_lo/.test(text!) && !/\bexec\b(?!_)/.test(text!) ? 32 : 64;
    const blocks = blocksOf(text!);
    const loops = loopsOf(blocks);
    const work = (loop: Loop) =>
      sum(turn(blocks, loops, loop), (i) => i.multiplyAdds + (i.kind === 'matrix' ? matrixMultiplyAdds(lanes) : 0));
    // The outermost loops are phases of the sum; of these the one with most to do.
    const outer = loops.filter((loop) => !loops.some((other) => inside(loop, other)));
    const hot = outer.toSorted((a, b) => work(b) - work(a))[0];
    return {
      name: name!,
      statistics: {
        registers: number(text!, 'VGPRs'),
        spilled: number(text!, 'Spilled VGPRs') + number(text!, 'Spilled SGPRs'),
        shared: number(text!, 'LDS size'),
        waves: number(text!, 'Subgroups per SIMD'),
      },
      lanes,
      turn: hot ? turn(blocks, loops, hot) : blocks.flatMap((block) => block.instructions),
      loops: hot !== undefined,
    };
  });
}
