/**
 * Where programs are submitted: in pieces that keep the GPU for no longer than the budget, sized by what earlier runs
 * took, by timestamps where the adapter has them, else by the clock. Results do not depend on where the cuts fall.
 */
import type { Gpu } from './device.ts';
import type { Piece } from './pace.ts';
import type { Profiler } from './profiler.ts';
import type { Program } from './program.ts';
import type { Readback } from './readback.ts';
import { MOST_INTERVALS, Stopwatch } from './stopwatch.ts';

export interface WorkQueueOptions {
  /** Longest a submission should take, milliseconds. */
  readonly budgetMs?: number;
  readonly now?: () => number;
}

/** Runs that may be timed at once. */
const WATCHES = 4;
/**
 * After so many submissions a sign is asked for that the device gets on: a step may be hundreds of them, and read back
 * only at its end. It costs 2.5 ms on SwiftShader, so not after each.
 */
const SIGN_EVERY = 16;
/** Ends heard within this of each other were waiting to be heard. */
const HEARD_MS = 0.2;

export class WorkQueue {
  budgetMs: number;
  /** Takes over while a step is profiled. */
  profiler: Profiler | null = null;
  /** Told when a sign of life of the device is waited for, and when it has come. */
  onSign: { asked(): void; answered(): void } | null = null;
  readonly #gpu: Gpu;
  readonly #readback: Readback;
  readonly #now: () => number;
  #watches: Stopwatch[] | null = null;
  #all: readonly Stopwatch[] = [];
  #probe: GPUBuffer | null = null;
  #submissions = 0;

  constructor(gpu: Gpu, readback: Readback, { budgetMs = 100, now = () => performance.now() }: WorkQueueOptions = {}) {
    this.#gpu = gpu;
    this.#readback = readback;
    this.#now = now;
    this.budgetMs = budgetMs;
  }

  /** Submits all commands, `times` times over. Returns at once; order on the queue is the order of calls. */
  run(program: Program, times = 1): void {
    const pieces = program.pace.cut(times, this.budgetMs);
    if (this.profiler) this.profiler.run(program, pieces);
    else if (!program.pace.nextIsTimed()) for (const piece of pieces) this.#submit(program, piece);
    else if (this.#gpu.features.timestamps) this.#runWatched(program, pieces);
    else this.#runClocked(program, pieces);
  }

  destroy(): void {
    for (const watch of this.#all) watch.destroy();
    this.#probe?.destroy();
    this.#all = [];
    this.#watches = null;
    this.#probe = null;
  }

  #submit(program: Program, piece: Piece, watch?: Stopwatch): boolean {
    const { device } = this.#gpu;
    const encoder = device.createCommandEncoder({ label: program.label });
    const timed = encodePiece(program, piece, encoder, watch);
    device.queue.submit([encoder.finish()]);
    if (this.onSign && ++this.#submissions % SIGN_EVERY === 0) void this.#awaitSign(this.onSign);
    return timed;
  }

  async #awaitSign(sign: NonNullable<WorkQueue['onSign']>): Promise<void> {
    sign.asked();
    // A lost device answers with an error, and is told as lost.
    await this.#gpu.device.queue.onSubmittedWorkDone().catch(() => undefined);
    sign.answered();
  }

  #runWatched(program: Program, pieces: readonly Piece[]): void {
    if (!this.#watches) {
      this.#all = Array.from({ length: WATCHES }, () => new Stopwatch(this.#gpu.device, MOST_INTERVALS));
      this.#watches = [...this.#all];
    }
    const watch = this.#watches.pop();
    const timed = pieces.filter((piece) => this.#submit(program, piece, watch));
    if (!watch) return;
    watch.read().then(
      (times) => {
        const learnt = times.map(([begin, end], i) => ({ piece: timed[i]!, ms: end - begin }));
        // Browsers round timestamps: a short piece may seem to take nothing.
        program.pace.learn(
          learnt.filter(({ ms }) => ms > 0),
          this.budgetMs,
        );
        this.#watches?.push(watch);
      },
      () => {}, // the device is gone, and with it what was to be learnt
    );
  }

  /** A piece takes from the end of the one before, or from its submission, until something behind it can be read. */
  #runClocked(program: Program, pieces: readonly Piece[]): void {
    this.#probe ??= this.#gpu.device.createBuffer({ label: 'probe', size: 4, usage: GPUBufferUsage.COPY_SRC });
    const probe = this.#probe;
    const ends = pieces.map(async (piece) => {
      const submitted = this.#now();
      this.#submit(program, piece);
      await this.#readback.read([{ buffer: probe, offset: 0, bytes: 4 }]);
      return { ...piece, submitted, done: this.#now() };
    });
    Promise.all(ends).then(
      (timed) => {
        let free = 0;
        const learnt = together(timed).map(({ start, end, submitted, done }) => {
          const ms = done - Math.max(free, submitted);
          free = done;
          return { piece: { start, end }, ms };
        });
        program.pace.learn(learnt, this.budgetMs);
      },
      () => {},
    );
  }
}

type Timed = Piece & { readonly submitted: number; readonly done: number };

/** Ends of which one heard at the same moment, after being kept from listening, say something of their sum only. */
function together(timed: readonly Timed[]): Timed[] {
  const joined: Timed[] = [];
  for (const piece of timed) {
    const last = joined.at(-1);
    if (last && piece.done - last.done < HEARD_MS)
      joined[joined.length - 1] = { ...last, end: piece.end, done: piece.done };
    else joined.push(piece);
  }
  return joined;
}

/** Encodes a piece; whether it was timed: a piece of transfers alone has no pass to be timed by. */
export function encodePiece(program: Program, piece: Piece, encoder: GPUCommandEncoder, watch?: Stopwatch): boolean {
  const ranges = runsOf(program, piece);
  const passes = ranges.reduce((sum, [from, to]) => sum + program.passes(from, to), 0);
  const interval = passes > 0 ? (watch?.next() ?? null) : null;
  let pass = 0;
  const describe = (): GPUComputePassDescriptor => {
    pass++;
    if (!interval || (pass > 1 && pass < passes)) return { label: program.label };
    return {
      label: program.label,
      timestampWrites: {
        querySet: interval.querySet,
        ...(pass === 1 && { beginningOfPassWriteIndex: interval.begin }),
        ...(pass === passes && { endOfPassWriteIndex: interval.end }),
      },
    };
  };
  for (const [from, to] of ranges) program.encode(encoder, from, to, describe);
  return interval !== null;
}

/** Cells [from, to) of each run of the program that a piece has a part of. */
export function runsOf({ cells }: Program, { start, end }: Piece): [from: number, to: number][] {
  const ranges: [number, number][] = [];
  for (let base = start - (start % cells); base < end; base += cells)
    ranges.push([Math.max(0, start - base), Math.min(cells, end - base)]);
  return ranges;
}
