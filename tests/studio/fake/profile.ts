/** A profile as a laptop's GPU might give it. */
import type { StepProfile } from '../../../src/engine/protocol/index.ts';

export function fakeProfile(): StepProfile {
  const ops = [
    { op: 'matmul/nt', dispatches: 126, ms: 31.4, flopsPerSecond: 1.21e12, bytesPerSecond: 61e9, roofline: 0.41 },
    { op: 'matmul/nn', dispatches: 84, ms: 18.9, flopsPerSecond: 1.08e12, bytesPerSecond: 55e9, roofline: 0.36 },
    { op: 'attention/forward', dispatches: 12, ms: 6.2, flopsPerSecond: 4.1e11, bytesPerSecond: 12e9, roofline: 0.14 },
    { op: 'rms-norm/forward', dispatches: 13, ms: 1.1, flopsPerSecond: 0, bytesPerSecond: 88e9, roofline: 0.61 },
    { op: 'adamw/step', dispatches: 1, ms: 0.2, flopsPerSecond: 0, bytesPerSecond: 102e9, roofline: 0.7 },
  ];
  const total = ops.reduce((sum, o) => sum + o.ms, 0);
  return {
    adapter: 'Apple M4 Max',
    wallMs: 64,
    idleShare: 0.09,
    submissions: 4,
    longestSubmissionMs: 21,
    dispatches: ops.reduce((sum, o) => sum + o.dispatches, 0),
    roofline: { flops: 3e12, bytes: 145e9 },
    ops: ops.map((o) => ({ ...o, share: o.ms / total })),
    trace: [{ name: 'matmul/nt', ph: 'X', pid: 1, tid: 2, ts: 0, dur: 310 }],
  };
}
