/** Where a step's time goes: a table by operation, and the step as a trace for chrome://tracing or Perfetto. */
import { startRecording, type Recording, type Span } from '../gpu/profiler.ts';
import type { Session } from '../gpu/recorder.ts';
import { contentsWanted, workOf } from '../ops/arithmetic.ts';
export { measureRoofline } from '../ops/roofline.ts';
import type { Roofline } from '../ops/roofline.ts';

export interface OpProfile {
  /** The kernel's name. */
  readonly op: string;
  readonly dispatches: number;
  readonly ms: number;
  /** Of all dispatches' time. */
  readonly share: number;
  readonly flopsPerSecond: number;
  readonly bytesPerSecond: number;
  /** Time at the measured peaks over time taken; 1 is the roof. Bytes are a bound, so gathers may seem above it. */
  readonly roofline: number;
}

export interface StepProfile {
  readonly adapter: string;
  readonly wallMs: number;
  /** Share of the step in which the GPU had nothing to do. */
  readonly idleShare: number;
  readonly submissions: number;
  readonly longestSubmissionMs: number;
  readonly dispatches: number;
  readonly roofline: Roofline;
  /** By time, longest first. */
  readonly ops: readonly OpProfile[];
  /** Trace events of the step with every dispatch timed. */
  readonly trace: readonly TraceEvent[];
}

/** A complete event of the Trace Event Format; times in microseconds. */
export interface TraceEvent {
  readonly name: string;
  readonly ph: 'X' | 'M';
  readonly pid: number;
  readonly tid: number;
  readonly ts?: number;
  readonly dur?: number;
  readonly args?: Readonly<Record<string, string | number>>;
}

/** Watches one step for `summarise`: as it is (`whole`), or with every dispatch timed. Returns the way to end it. */
export const watchStep = (session: Session, how: 'whole' | 'dispatches'): (() => Promise<Recording>) =>
  startRecording(session, how === 'whole' ? {} : { dispatches: true, wanted: contentsWanted });

export function summarise(adapter: string, roofline: Roofline, whole: Recording, detailed: Recording): StepProfile {
  const wallMs = whole.end - whole.begin;
  return {
    adapter,
    wallMs,
    idleShare: Math.max(0, 1 - busyMs(whole) / wallMs),
    submissions: whole.gpu.length,
    longestSubmissionMs: whole.gpu.reduce((most, s) => Math.max(most, s.end - s.begin), 0),
    dispatches: detailed.dispatches.length,
    roofline,
    ops: byOp(detailed, roofline),
    trace: traceOf(detailed),
  };
}

/** Milliseconds of the step covered by any of its submissions. */
function busyMs({ begin, end, gpu }: Recording): number {
  let busy = 0;
  let until = begin;
  for (const span of [...gpu].sort((a, b) => a.begin - b.begin)) {
    busy += Math.max(0, Math.min(span.end, end) - Math.max(span.begin, until));
    until = Math.max(until, span.end);
  }
  return busy;
}

function byOp({ dispatches }: Recording, roofline: Roofline): OpProfile[] {
  const sums = new Map<string, { dispatches: number; ms: number; flops: number; bytes: number; idealMs: number }>();
  for (const span of dispatches) {
    const sum = sums.get(span.name) ?? { dispatches: 0, ms: 0, flops: 0, bytes: 0, idealMs: 0 };
    const { flops, bytes } = workOf(span.dispatch, span.contents);
    sum.dispatches++;
    sum.ms += span.end - span.begin;
    sum.flops += flops;
    sum.bytes += bytes;
    sum.idealMs += 1000 * Math.max(flops / roofline.flops, bytes / roofline.bytes);
    sums.set(span.name, sum);
  }
  const total = [...sums.values()].reduce((all, s) => all + s.ms, 0);
  return [...sums]
    .map(([op, { dispatches: count, ms, flops, bytes, idealMs }]) => ({
      op,
      dispatches: count,
      ms,
      share: total > 0 ? ms / total : 0,
      flopsPerSecond: perSecond(flops, ms),
      bytesPerSecond: perSecond(bytes, ms),
      roofline: ms > 0 ? idealMs / ms : 0,
    }))
    .sort((a, b) => b.ms - a.ms);
}

const perSecond = (amount: number, ms: number): number => (ms > 0 ? amount / (ms / 1000) : 0);

const [HOST, GPU] = [1, 2];

function traceOf(recording: Recording): TraceEvent[] {
  const { begin, host, dispatches } = recording;
  const event = (tid: number, span: Span, args?: TraceEvent['args']): TraceEvent => ({
    name: span.name,
    ph: 'X',
    pid: 1,
    tid,
    ts: Math.round((span.begin - begin) * 1000),
    dur: Math.max(0, Math.round((span.end - span.begin) * 1000)),
    ...(args && { args }),
  });
  const named = (tid: number, name: string): TraceEvent => ({
    name: 'thread_name',
    ph: 'M',
    pid: 1,
    tid,
    args: { name },
  });
  return [
    named(HOST, 'host'),
    named(GPU, 'GPU'),
    ...host.map((span) => event(HOST, span)),
    ...dispatches.map((span) =>
      event(GPU, span, { program: span.program, workgroups: span.dispatch.groups.join('×') }),
    ),
  ];
}
