/**
 * Watches everything a session submits while some work goes on: when the GPU was busy, or how long every dispatch took.
 * Both need the feature timestamp-query. A pass of its own for each dispatch costs time, so the two are watched apart.
 */
import { GroundworkError, invariant } from '../base/error.ts';
import type { Piece } from './pace.ts';
import type { Dispatch, Program } from './program.ts';
import type { Session } from './recorder.ts';
import { MOST_INTERVALS, Stopwatch } from './stopwatch.ts';
import type { Tensor } from './tensor.ts';
import { encodePiece, runsOf } from './work-queue.ts';

/** Milliseconds on the host's clock. */
export interface Span {
  readonly name: string;
  readonly begin: number;
  readonly end: number;
}

export interface DispatchSpan extends Span {
  readonly program: string;
  readonly dispatch: Dispatch;
  /** Contents of the tensors that were asked for, as they were before the program ran. */
  readonly contents: ReadonlyMap<Tensor, ArrayBuffer>;
}

export interface Recording {
  readonly begin: number;
  readonly end: number;
  /** Submissions, or with `dispatches` every dispatch. */
  readonly gpu: readonly Span[];
  readonly dispatches: readonly DispatchSpan[];
  /** Encoding, and waiting for something read back. */
  readonly host: readonly Span[];
}

export interface ProfilerOptions {
  /** Time every dispatch by itself. */
  readonly dispatches?: boolean;
  /** Tensors whose contents are wanted with a dispatch, to count its work. */
  readonly wanted?: (dispatch: Dispatch) => Tensor | undefined;
}

/** A span of the device's clock, to be known when its stopwatch is read. */
interface Timed {
  readonly watch: Stopwatch;
  readonly program: Program;
  readonly dispatch: Dispatch | null;
  readonly submitted: number;
  readonly contents: Promise<ReadonlyMap<Tensor, ArrayBuffer>>;
}

/** Watches `work`. Throws `no-timestamps` where the adapter has none. */
export async function record(
  session: Session,
  work: () => Promise<unknown>,
  options: ProfilerOptions = {},
): Promise<Recording> {
  const stop = startRecording(session, options);
  try {
    await work();
  } catch (error) {
    await stop();
    throw error;
  }
  return stop();
}

/** Watches until the returned function is called; one at a time. Throws `no-timestamps`. */
export function startRecording(session: Session, options: ProfilerOptions = {}): () => Promise<Recording> {
  if (!session.gpu.features.timestamps)
    throw new GroundworkError(
      'no-timestamps',
      'This device does not report how long its work takes.',
      'Chrome needs the feature timestamp-query. Start it with --enable-unsafe-webgpu, or use another device.',
    );
  invariant(!session.queue.profiler, 'two recordings at once');
  const profiler = new Profiler(session, options);
  session.queue.profiler = profiler;
  session.readback.onWait = (begin, end) => profiler.host.push({ name: 'wait for results', begin, end });
  const begin = performance.now();
  return () => {
    session.queue.profiler = null;
    session.readback.onWait = null;
    return profiler.finish(begin, performance.now());
  };
}

export class Profiler {
  readonly host: Span[] = [];
  readonly #session: Session;
  readonly #options: ProfilerOptions;
  readonly #watches: Stopwatch[] = [];
  readonly #timed: Timed[] = [];

  constructor(session: Session, options: ProfilerOptions) {
    this.#session = session;
    this.#options = options;
  }

  run(program: Program, pieces: readonly Piece[]): void {
    const { device } = this.#session.gpu;
    const contents = this.#contents(program);
    for (const piece of pieces) {
      const submitted = performance.now();
      const encoder = device.createCommandEncoder({ label: program.label });
      if (this.#options.dispatches) this.#encodeEach(program, piece, encoder, contents, submitted);
      else {
        const watch = this.#watch();
        if (encodePiece(program, piece, encoder, watch))
          this.#timed.push({ watch, program, dispatch: null, submitted, contents });
      }
      device.queue.submit([encoder.finish()]);
      this.host.push({ name: `submit ${program.label}`, begin: submitted, end: performance.now() });
    }
  }

  async finish(begin: number, end: number): Promise<Recording> {
    const times: (readonly [number, number])[] = [];
    for (const watch of this.#watches) {
      times.push(...(await watch.read()));
      watch.destroy();
    }
    // No work begins before it is submitted; what comes closest to that aligns the two clocks.
    const offset = times.reduce((most, [at], i) => Math.max(most, this.#timed[i]!.submitted - at), -Infinity);
    const gpu: Span[] = [];
    const dispatches: DispatchSpan[] = [];
    for (const [i, [from, to]] of times.entries()) {
      const { program, dispatch, contents } = this.#timed[i]!;
      const span = { name: dispatch?.kernel.name ?? program.label, begin: from + offset, end: to + offset };
      gpu.push(span);
      if (dispatch) dispatches.push({ ...span, program: program.label, dispatch, contents: await contents });
    }
    return { begin, end, gpu, dispatches, host: this.host };
  }

  #encodeEach(
    program: Program,
    piece: Piece,
    encoder: GPUCommandEncoder,
    contents: Timed['contents'],
    submitted: number,
  ): void {
    const describe = (command: number): GPUComputePassDescriptor => {
      const watch = this.#watch();
      const { querySet, begin, end } = watch.next()!;
      this.#timed.push({ watch, program, dispatch: program.commands[command] as Dispatch, submitted, contents });
      return { timestampWrites: { querySet, beginningOfPassWriteIndex: begin, endOfPassWriteIndex: end } };
    };
    // A dispatch is timed as a whole, in the piece in which it begins.
    for (const [first, last] of runsOf(program, piece))
      for (const { from, to } of program.wholes(first, last)) program.encode(encoder, from, to, describe, true);
  }

  #watch(): Stopwatch {
    const last = this.#watches.at(-1);
    if (last && last.left > 0) return last;
    const watch = new Stopwatch(this.#session.gpu.device, MOST_INTERVALS);
    this.#watches.push(watch);
    return watch;
  }

  async #contents(program: Program): Promise<ReadonlyMap<Tensor, ArrayBuffer>> {
    const { wanted } = this.#options;
    const tensors = new Set<Tensor>();
    for (const command of program.commands) {
      const tensor = command.type === 'dispatch' ? wanted?.(command) : undefined;
      if (tensor) tensors.add(tensor);
    }
    if (!tensors.size) return new Map();
    const bytes = await program.readBytes(...tensors);
    return new Map([...tensors].map((tensor, i) => [tensor, bytes[i]!]));
  }
}
