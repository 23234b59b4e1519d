/**
 * Which tuning profile is fastest on this adapter: the products of a LoRA layer with their gradients, a decoding row,
 * and attention both ways, by each profile that may win, a few times over. A profile whose results differ from the
 * usual one's, or whose kernels the driver refuses, is out, however fast. Some 0.2 s on a GPU, compiling aside.
 */
import { Random } from '../base/random.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Program } from '../gpu/program.ts';
import { Recorder, Session } from '../gpu/recorder.ts';
import type { DType, Tensor } from '../gpu/tensor.ts';
import { candidateProfiles, usualProfile, type Profile } from '../gpu/tuning.ts';
import { attention } from './attention.ts';
import { matmulNn, matmulNt, matmulTn } from './matmul.ts';
import { relativeError } from './proof.ts';
import { Tape } from './tape.ts';

export interface Contender {
  readonly profile: Profile;
  /** Median of the runs; null for a profile that is out. */
  readonly ms: number | null;
  /** Why it is out. */
  readonly reason?: string;
}

export interface Trial {
  readonly winner: Profile;
  readonly contenders: readonly Contender[];
}

/** Sizes of what is tried: large enough to fill a GPU, small enough for a weak one. */
export interface TrialSizes {
  readonly rows: number;
  readonly width: number;
  readonly heads: number;
  readonly headDim: number;
}

/** For processors. */
export const SMALL_TRIAL: TrialSizes = { rows: 128, width: 256, heads: 2, headDim: 64 };

const SIZES: TrialSizes = { rows: 512, width: 1024, heads: 8, headDim: 64 };

/** Timed runs of a profile, and milliseconds after which no other is begun. */
const [RUNS, ENOUGH_MS] = [5, 60];

/** A profile must be so much faster than the usual one to be preferred: medians of few runs are no better. */
const MARGIN = 0.95;

/** Largest difference from the usual profile's results, relative to the largest value. */
const AGREES = 1e-4;

/** @returns null where only one profile may win, without touching the device */
export async function tryProfiles(gpu: Gpu, sizes: TrialSizes = SIZES): Promise<Trial | null> {
  const usual = usualProfile(gpu);
  const candidates = candidateProfiles(gpu);
  if (candidates.length < 2) return null;
  return judge(gpu, [usual, ...candidates.filter((profile) => profile !== usual)], sizes);
}

/** @param profiles the usual one first */
export async function judge(gpu: Gpu, profiles: readonly Profile[], sizes: TrialSizes): Promise<Trial> {
  const contenders: Contender[] = [];
  let wanted: readonly Float32Array[] | null = null;
  for (const profile of profiles) {
    try {
      const { ms, results } = await timed(gpu, profile, sizes);
      wanted ??= results;
      const error = Math.max(...results.map((values, i) => relativeError(values, wanted![i]!)));
      const agrees = error <= AGREES;
      contenders.push(agrees ? { profile, ms } : { profile, ms: null, reason: 'its results differ' });
    } catch {
      contenders.push({ profile, ms: null, reason: 'the graphics driver refused its kernels' });
    }
  }
  return { winner: winnerOf(contenders), contenders };
}

/** The usual one, which comes first, unless another is clearly faster. */
export function winnerOf(contenders: readonly Contender[]): Profile {
  const [usual, ...others] = contenders;
  const timeOf = ({ ms }: Contender) => ms ?? Infinity;
  const best = others.reduce((a, b) => (timeOf(b) < timeOf(a) ? b : a), usual!);
  return timeOf(best) < MARGIN * timeOf(usual!) ? best.profile : usual!.profile;
}

async function timed(gpu: Gpu, profile: Profile, sizes: TrialSizes) {
  // What the session holds goes with it; the device stays.
  const session = new Session({ ...gpu, profile, destroy: () => {} });
  let program: Program | null = null;
  try {
    const rec = new Recorder(session, 'trial');
    const outputs = workload(rec, sizes);
    program = rec.finish();
    await session.kernels.ready();
    const run = async () => {
      const begin = performance.now();
      program!.run();
      const results = await program!.read(...outputs);
      return { ms: performance.now() - begin, results };
    };
    // The first run pays for what drivers put off.
    const { results } = await run();
    const times: number[] = [];
    for (const begin = performance.now(); times.length < RUNS && performance.now() - begin < ENOUGH_MS;)
      times.push((await run()).ms);
    return { ms: times.toSorted((a, b) => a - b)[times.length >> 1]!, results };
  } finally {
    program?.destroy();
    session.destroy();
  }
}

/** Small outputs, so that reading them back takes no time. */
function workload(rec: Recorder, { rows, width, heads, headDim }: TrialSizes) {
  const random = new Random(1);
  // Not the program's own inputs: those would have to be written before each run.
  const given = (label: string, shape: readonly number[], data: ArrayBufferView, dtype: DType) =>
    rec.session.resident(label, shape, dtype, data);
  const normal = (label: string, r: number, c: number) =>
    given(
      label,
      [r, c],
      Float32Array.from({ length: r * c }, () => random.normal()),
      'f32',
    );
  const each = (label: string, columns: number, f: (t: number) => number[]) =>
    given(label, [rows, columns], Uint32Array.from(Array.from({ length: rows }, (_, t) => f(t)).flat()), 'u32');
  const x = normal('x', rows, width);
  // Halves between 0.06 and 0.25, of both signs.
  const halves = Uint16Array.from(
    { length: width * width },
    () => 0x2c00 + random.below(2048) + 0x8000 * random.below(2),
  );
  const w = given('w', [width, width], halves, 'f16');
  const y = rec.empty('y', [rows, width]);
  matmulNt(rec, x, w, y);
  const dx = rec.empty('dx', [rows, width]);
  matmulNn(rec, y, w, dx);
  const thin = rec.empty('dA', [16, width]);
  matmulTn(rec, normal('u', rows, 16), dx, thin);
  const row = rec.empty('row', [1, width]);
  matmulNt(rec, normal('one', 1, width), w, row);

  const tape = new Tape(rec);
  const [q, k, v] = ['q', 'k', 'v'].map((label) => tape.track(normal(label, rows, heads * headDim))) as [
    Tensor,
    Tensor,
    Tensor,
  ];
  const o = attention(tape, {
    q,
    k,
    v,
    heads,
    kvHeads: heads,
    headDim,
    scale: headDim ** -0.5,
    ranges: each('ranges', 4, (t) => [0, 0, 0, t + 1]),
    keyRanges: each('key ranges', 2, (t) => [t, rows]),
  });
  tape.addGrad(o, normal('dO', rows, heads * headDim));
  tape.backward();
  // A row of each large result stands for it; LoRA's gradient and the decoded row are small as they are.
  const sample = (tensor: Tensor) => {
    const picked = rec.empty('sample', [1, tensor.columns]);
    rec.copy(tensor, picked, { fromByte: (rows - 1) * tensor.columns * 4, bytes: picked.bytes });
    return picked;
  };
  const outputs = [thin, row, ...[y, dx, o, tape.grad(q)!, tape.grad(k)!, tape.grad(v)!].map(sample)];
  return outputs.map((tensor) => rec.output(tensor));
}
