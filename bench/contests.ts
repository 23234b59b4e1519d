/** What we race at: our recorded programs against jax-js 0.1.25, the nearest peer that differentiates on WebGPU. */
import { blockUntilReady, defaultDevice, init, jit, numpy as np, tree, valueAndGrad } from '@jax-js/jax';
import { Random } from '../src/base/random.ts';
import type { Program } from '../src/gpu/program.ts';
import { Recorder, type Session } from '../src/gpu/recorder.ts';
import { Tensor, type DType } from '../src/gpu/tensor.ts';
import { linear } from '../src/ops/linear.ts';
import { matmulNn, matmulNt } from '../src/ops/matmul.ts';
import { Tape } from '../src/ops/tape.ts';
import type { Contest, Side } from './contest.ts';

export interface Bench {
  readonly session: Session;
  /** Whether the adapter computes in f16: without it the peer cannot hold f16 weights, and gets f32 ones. */
  readonly f16: boolean;
}

/** Must run before the first contest, with `navigator.gpu` in place. */
export async function openPeer(): Promise<void> {
  const devices = await init('webgpu');
  if (!devices.includes('webgpu')) throw new Error('jax-js finds no WebGPU device');
  defaultDevice('webgpu');
}

export function contests({ session, f16 }: Bench): Contest[] {
  return [
    ...[256, 512, 1024].map((n) => square(session, n)),
    transposed(session, f16, 512),
    loraLinear(session, { T: 256, K: 576, N: 1536, r: 8 }),
  ];
}

/** x [n, n] · w [n, n]: the plain product every library starts with. */
function square(session: Session, n: number): Contest {
  const [x, w] = [numbers(1, n * n), numbers(2, n * n)];
  return {
    name: `matmul ${n}`,
    flops: 2 * n ** 3,
    ours: async () =>
      recorded(session, (resident) => {
        const rec = new Recorder(session, 'square');
        const y = resident('y', [n, n]);
        matmulNn(rec, resident('x', [n, n], x), resident('w', [n, n], w), y);
        return { program: rec.finish(), results: [y] };
      }),
    peer: async () => {
      const [a, b] = [np.array(x).reshape([n, n]), np.array(w).reshape([n, n])];
      await blockUntilReady([a, b]);
      return jaxSide(
        () => [np.matmul(a.ref, b.ref)],
        () => tree.dispose([a, b]),
      );
    },
  };
}

/** x [n, n] · wᵀ, w [n, n] kept in f16: how a frozen linear layer runs forward. */
function transposed(session: Session, f16: boolean, n: number): Contest {
  const [x, w] = [numbers(1, n * n), halves(numbers(2, n * n))];
  return {
    name: `matmul ${n}, f16 weights, transposed`,
    flops: 2 * n ** 3,
    ours: async () =>
      recorded(session, (resident) => {
        const rec = new Recorder(session, 'transposed');
        const y = resident('y', [n, n]);
        matmulNt(rec, resident('x', [n, n], x), resident('w', [n, n], w.packed, 'f16'), y);
        return { program: rec.finish(), results: [y] };
      }),
    peer: async () => {
      const wide = np.array(w.values).reshape([n, n]);
      const [a, b] = [np.array(x).reshape([n, n]), f16 ? wide.astype(np.float16) : wide];
      await blockUntilReady([a, b]);
      const product = jit((p: np.Array, q: np.Array) => np.matmul(p, np.transpose(q.astype(np.float32))));
      return jaxSide(
        () => [product(a.ref, b.ref)],
        () => tree.dispose([a, b]),
      );
    },
  };
}

/** One frozen linear layer with a LoRA adapter: y, and the gradients of x, A and B. Each side in its own layout. */
function loraLinear(session: Session, { T, K, N, r }: { T: number; K: number; N: number; r: number }): Contest {
  const [x, w, a, b, dy] = [
    numbers(1, T * K),
    numbers(2, K * N, 0.1),
    numbers(3, K * r, 0.1),
    numbers(4, r * N, 0.1),
    numbers(5, T * N),
  ];
  return {
    name: `LoRA linear ${T}×${K}→${N} r${r}, there and back`,
    flops: 2 * T * K * N * 2 + 2 * T * r * (K + N) * 3,
    ours: async () =>
      recorded(session, (resident) => {
        const rec = new Recorder(session, 'LoRA linear');
        const tape = new Tape(rec);
        const input = tape.track(resident('x', [T, K], x));
        const lora = {
          a: resident('a', [r, K], transpose(a, K, r)),
          b: resident('b', [N, r], transpose(b, r, N)),
          gradA: resident('gradA', [r, K]),
          gradB: resident('gradB', [N, r]),
          scaling: 2,
        };
        rec.clear(lora.gradA);
        rec.clear(lora.gradB);
        const y = linear(tape, input, { weight: resident('w', [N, K], transpose(w, K, N)) }, { lora });
        tape.addGrad(y, resident('dy', [T, N], dy));
        tape.backward();
        const dx = tape.grad(input)!;
        return { program: (rec.output(dx), rec.output(y), rec.finish()), results: [y, dx, lora.gradA, lora.gradB] };
      }),
    peer: async () => {
      const p = { x: np.array(x).reshape([T, K]), a: np.array(a).reshape([K, r]), b: np.array(b).reshape([r, N]) };
      const [wj, g] = [np.array(w).reshape([K, N]), np.array(dy).reshape([T, N])];
      await blockUntilReady([p, wj, g]);
      const loss = (q: typeof p, weight: np.Array, gradient: np.Array): [np.Array, np.Array] => {
        const y = np.matmul(q.x.ref, weight).add(np.matmul(np.matmul(q.x, q.a), q.b).mul(2));
        return [y.ref.mul(gradient).sum(), y];
      };
      const both = jit(valueAndGrad(loss, { hasAux: true }));
      return jaxSide(
        () => {
          const [[value, y], d] = both(tree.ref(p), wj.ref, g.ref);
          value.dispose();
          // Ours has A and B transposed; so must what is compared.
          return [y, d.x, np.transpose(d.a), np.transpose(d.b)];
        },
        () => tree.dispose([p, wj, g]),
      );
    },
  };
}

type Resident = (label: string, shape: readonly number[], data?: ArrayBufferView, dtype?: DType) => Tensor;

async function recorded(
  session: Session,
  record: (resident: Resident) => { program: Program; results: readonly Tensor[] },
): Promise<Side> {
  const owned: Tensor[] = [];
  const { program, results } = record((label, shape, data, dtype = 'f32') => {
    const tensor = session.resident(label, shape, dtype, data);
    owned.push(tensor);
    return tensor;
  });
  await session.kernels.ready();
  const last = results[0]!;
  const word = new Tensor('first word', 'f32', [1], last.storage, last.offset);
  return {
    async once() {
      program.run();
      await program.readBytes(word);
    },
    async result() {
      return joined(await program.read(...results));
    },
    dispose() {
      program.destroy();
      session.release(...owned);
    },
  };
}

function jaxSide(run: () => np.Array[], dispose: () => void): Side {
  return {
    async once() {
      const out = run();
      await blockUntilReady(out);
      tree.dispose(out);
    },
    async result() {
      const parts: Float32Array[] = [];
      for (const array of run()) parts.push((await array.data()) as Float32Array);
      return joined(parts);
    },
    dispose,
  };
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function numbers(seed: number, n: number, scale = 1): Float32Array<ArrayBuffer> {
  const random = new Random(seed);
  return Float32Array.from({ length: n }, () => (random.uniform() - 0.5) * scale);
}

function transpose(values: Float32Array, rows: number, cols: number): Float32Array {
  return Float32Array.from(values, (_, i) => values[(i % rows) * cols + Math.floor(i / rows)]!);
}

/** Values cut to what a half holds exactly (10 bits after the leading one), and those halves, two to a word. */
function halves(values: Float32Array<ArrayBuffer>): { values: Float32Array<ArrayBuffer>; packed: Uint32Array } {
  const cut = values.map((v) => Math.round(v * 1024) / 1024);
  const bits = Uint16Array.from(cut, (v) => {
    if (v === 0) return 0;
    const exponent = Math.floor(Math.log2(Math.abs(v)));
    return (v < 0 ? 0x8000 : 0) | ((exponent + 15) << 10) | ((Math.abs(v) / 2 ** exponent - 1) * 1024);
  });
  return { values: cut, packed: new Uint32Array(bits.buffer) };
}
