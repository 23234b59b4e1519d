/** What an adapter can do at best, by a short trial: the roof that kernels are measured against. */
import copy from '../../shaders/roofline/copy.wgsl';
import fma from '../../shaders/roofline/fma.wgsl';
import { record } from '../gpu/profiler.ts';
import { Recorder, type Session } from '../gpu/recorder.ts';
import { flatGroups } from './groups.ts';

export interface Roofline {
  /** f32 operations a second, a fused multiply-add counting as two. */
  readonly flops: number;
  /** Bytes a second, read and written in order. */
  readonly bytes: number;
}

/** Values of one round of fma.wgsl in an invocation: 16 vectors of 4. */
const CHAINS = 64;
const INVOCATIONS = 64 * 64 * 8;
const COPIED = 32 * 2 ** 20;
const TRIES = 4;

/** Takes about a tenth of a second on any adapter with timestamps. */
export async function measureRoofline(session: Session): Promise<Roofline> {
  const x = session.resident('roofline source', [COPIED / 4]);
  const y = session.resident('roofline target', [COPIED / 4]);
  try {
    // A multiple of the eight that a turn of the kernel's loop takes.
    let rounds = 32;
    let ms = await best(session, (rec) => multiply(rec, y, rounds));
    // Until the trial is long enough to be told from its start.
    while (ms < 2 && rounds < 2 ** 16) {
      rounds *= 4;
      ms = await best(session, (rec) => multiply(rec, y, rounds));
    }
    const copied = await best(session, (rec) =>
      rec.dispatch('roofline/copy', copy, {
        bind: { x, y },
        params: { n4: COPIED / 16 },
        groups: flatGroups(COPIED / 16),
      }),
    );
    return {
      flops: (2 * CHAINS * INVOCATIONS * rounds) / (ms / 1000),
      bytes: (2 * COPIED) / (copied / 1000),
    };
  } finally {
    session.release(x, y);
  }
}

const multiply = (rec: Recorder, y: Parameters<Recorder['output']>[0], rounds: number) =>
  rec.dispatch('roofline/fma', fma, {
    bind: { y },
    params: { rounds, factor: 0.5 },
    groups: flatGroups(INVOCATIONS),
  });

/** Milliseconds of the fastest of some tries, the first of which compiles. */
async function best(session: Session, dispatch: (rec: Recorder) => void): Promise<number> {
  const rec = new Recorder(session, 'roofline');
  dispatch(rec);
  const program = rec.finish();
  await session.kernels.ready();
  const times: number[] = [];
  for (let i = 0; i < TRIES; i++) {
    const { dispatches } = await record(session, async () => program.run(), { dispatches: true });
    times.push(...dispatches.map((d) => d.end - d.begin));
  }
  program.destroy();
  return Math.max(1e-3, Math.min(...times));
}
