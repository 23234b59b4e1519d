/**
 * What op tests share: one device per test file, recorded programs run to plain arrays, and comparisons.
 *
 *     const session = useSession();
 *     test('…', async () => {
 *       const rng = new Random(1);
 *       const x = normals(rng, 5 * 8);
 *       const [y] = await run(session(), (rec) => {
 *         const xt = constant(rec, 'x', [5, 8], x);
 *         const yt = rec.empty('y', [5, 8]);
 *         someOp(rec, xt, yt);
 *         return [yt];
 *       });
 *       expectClose(y, reference(x), 1e-5);
 *     });
 *
 * Nothing here measures time.
 */
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import type { Random } from '../../src/base/random.ts';
import { openNodeGpu } from '../../src/cli/node-gpu.ts';
import type { Gpu, GpuOptions } from '../../src/gpu/device.ts';
import { library } from '../../src/gpu/library.ts';
import { Recorder, Session, type RecorderOptions } from '../../src/gpu/recorder.ts';
import { elements, type DType, type Tensor } from '../../src/gpu/tensor.ts';
import type { MatrixConfig, Profile } from '../../src/gpu/tuning.ts';
import subgroupMatrixTwin from './subgroup-matrix-twin.wgsl';

export interface SessionOptions extends Pick<GpuOptions, 'without'> {
  /** See gpu/work-queue.ts. */
  readonly budgetMs?: number;
  /** Runs these tunings, whatever the adapter is; default: what such an adapter gets. */
  readonly profile?: Profile;
  /**
   * Subgroup matrices of profile `matrix`. No software driver has them: the kernel is then run with a twin of its
   * builtins in plain WGSL.
   */
  readonly matrix?: MatrixConfig;
  /** Splits frozen matrices that are larger. */
  readonly weightPartBytes?: number;
}

/** Opens a session before the file's (or describe block's) tests; a validation error or a leaked tensor fails the test. */
export function useSession(options: SessionOptions = {}): () => Session {
  let session: Session | undefined;
  const errors: string[] = [];
  beforeAll(async () => {
    session = await openSession(options, (message) => errors.push(message));
  });
  afterEach(async () => {
    await session?.gpu.device.queue.onSubmittedWorkDone();
    const found = errors.splice(0);
    const leaked = session?.residentLabels ?? [];
    expect(found, 'WebGPU validation errors').toEqual([]);
    expect(leaked, 'resident tensors that the test did not release').toEqual([]);
  });
  afterAll(() => session?.destroy());
  return () => {
    if (!session) throw new Error('useSession: the session opens in beforeAll; call it inside a test');
    return session;
  };
}

/** A session outside of vitest's hooks. */
export async function openSession(
  options: SessionOptions = {},
  onError: (message: string) => void = console.error,
): Promise<Session> {
  const gpu = await openNodeGpu({ ...(options.without && { without: options.without }), onError });
  const { pieces, gpu: tuned } = withTwin({ ...gpu, profile: options.profile ?? gpu.profile }, options.matrix);
  return new Session(tuned, { ...options, ...(pieces && { pieces }) });
}

/** Gives profile `matrix` its matrices on adapters that have none, with a twin of their builtins in plain WGSL. */
export function withTwin(
  gpu: Gpu,
  matrix: MatrixConfig = { component: 'f32', M: 8, N: 16, K: 8 },
): { gpu: Gpu; pieces?: Readonly<Record<string, string>> } {
  if (gpu.profile !== 'matrix' || gpu.subgroupSize === 0 || gpu.matrix) return { gpu };
  return { gpu: { ...gpu, matrix }, pieces: { ...library, 'subgroup-matrix': subgroupMatrixTwin } };
}

/** Contents of the tensors that `constant` made, until `run` writes them. */
const contents = new WeakMap<Recorder, { tensor: Tensor; data: ArrayBufferView }[]>();

/** An input with given contents. f16 takes numbers and rounds them, or takes packed halves (Uint16Array). */
export function constant(
  rec: Recorder,
  label: string,
  shape: readonly number[],
  values: ArrayLike<number>,
  dtype: DType = 'f32',
): Tensor {
  if (values.length !== elements(shape)) throw new Error(`${label}: ${values.length} values for [${shape.join(', ')}]`);
  const tensor = rec.input(label, shape, dtype);
  const known = contents.get(rec) ?? [];
  known.push({ tensor, data: pack(values, dtype) });
  contents.set(rec, known);
  return tensor;
}

/**
 * Records, runs once (or `times` times, to show that replay gives the same) and reads back what `record` returns.
 * u32 and i32 results come as their numbers; f16 as rounded numbers.
 */
export async function run(
  session: Session,
  record: (rec: Recorder) => readonly Tensor[],
  times = 1,
  options: RecorderOptions = {},
): Promise<Float64Array[]> {
  const rec = new Recorder(session, 'test', options);
  const outputs = record(rec).map((t) => (t.storage.buffer ? t : rec.output(t)));
  const program = rec.finish();
  await session.kernels.ready();
  let bytes: ArrayBuffer[] = [];
  for (let i = 0; i < times; i++) {
    for (const { tensor, data } of contents.get(rec) ?? []) program.write(tensor, data);
    program.run();
    bytes = await program.readBytes(...outputs);
  }
  program.destroy();
  return bytes.map((b, i) => unpack(b, outputs[i]!));
}

function pack(values: ArrayLike<number>, dtype: DType): ArrayBufferView {
  if (dtype === 'f32') return Float32Array.from(values);
  if (dtype === 'u32') return Uint32Array.from(values);
  if (dtype === 'i32') return Int32Array.from(values);
  const halves = new Uint16Array(Math.ceil(values.length / 2) * 2);
  halves.set(values instanceof Uint16Array ? values : toHalves(values));
  return halves;
}

function unpack(bytes: ArrayBuffer, tensor: Tensor): Float64Array {
  const { dtype, size } = tensor;
  if (dtype === 'f16') return Float64Array.from(new Uint16Array(bytes, 0, size), fromHalf);
  const typed =
    dtype === 'f32'
      ? new Float32Array(bytes, 0, size)
      : dtype === 'u32'
        ? new Uint32Array(bytes, 0, size)
        : new Int32Array(bytes, 0, size);
  return Float64Array.from(typed);
}

/** n standard normal numbers, already rounded to f32 so that references start from what the GPU sees. */
export const normals = (random: Random, n: number, scale = 1): Float64Array =>
  Float64Array.from({ length: n }, () => Math.fround(random.normal() * scale));

/** Largest |actual − expected| over the largest |expected|: what a sum of products can promise where terms cancel. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) throw new Error(`${actual.length} values, expected ${expected.length}`);
  let [error, scale] = [0, 0];
  for (let i = 0; i < actual.length; i++) {
    const difference = Math.abs(actual[i]! - expected[i]!);
    if (Number.isNaN(difference)) return Infinity;
    error = Math.max(error, difference);
    scale = Math.max(scale, Math.abs(expected[i]!));
  }
  return error / Math.max(scale, 1e-30);
}

export function expectClose(
  actual: ArrayLike<number> | undefined,
  expected: ArrayLike<number>,
  tolerance = 1e-5,
  what = 'relative error',
): void {
  expect(actual, what).toBeDefined();
  expect(relativeError(actual!, expected), what).toBeLessThanOrEqual(tolerance);
}

/** ∂f/∂x at every (or the given) index by central differences in f64; f sees x changed in place. */
export function finiteDifference(
  f: (x: Float64Array) => number,
  x: ArrayLike<number>,
  options: { step?: number; indices?: readonly number[] } = {},
): Float64Array {
  const at = Float64Array.from(x);
  const step = options.step ?? 1e-5;
  const indices = options.indices ?? Array.from({ length: at.length }, (_, i) => i);
  return Float64Array.from(indices, (i) => {
    const kept = at[i]!;
    at[i] = kept + step;
    const above = f(at);
    at[i] = kept - step;
    const below = f(at);
    at[i] = kept;
    return (above - below) / (2 * step);
  });
}

/** Σ a·b: a scalar loss whose gradient towards `a` is `b`, for gradient tests. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** Nearest halves, ties to even; overflow gives infinity. */
export const toHalves = (values: ArrayLike<number>): Uint16Array =>
  Uint16Array.from({ length: values.length }, (_, i) => toHalf(values[i]!));

function toHalf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const v = Math.abs(value);
  if (Number.isNaN(v)) return 0x7e00;
  if (v >= 65520) return sign | 0x7c00;
  const exponent = Math.max(-14, v === 0 ? -14 : Math.floor(Math.log2(v)));
  const units = roundToEven(v / 2 ** (exponent - 10));
  // units reaches 2048 when rounding carries into the next exponent; the sum below does the carry.
  return sign | (units + ((exponent + 14) << 10));
}

function roundToEven(v: number): number {
  const floor = Math.floor(v);
  const rest = v - floor;
  if (rest !== 0.5) return Math.round(v);
  return floor % 2 === 0 ? floor : floor + 1;
}

export function fromHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24);
}

/** What a number becomes when stored as a half. */
export const rounded = (values: ArrayLike<number>): Float64Array => Float64Array.from(toHalves(values), fromHalf);
