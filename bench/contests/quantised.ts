/**
 * Products through quantised weights against the same products on f32 weights of equal values: forward (x·Wᵀ), the
 * input's gradient (dy·W), and one row as decoding has it. No library we know differentiates through 4-bit weights.
 */
import { Recorder } from '../../src/gpu/recorder.ts';
import { embed } from '../../src/ops/gather.ts';
import { matmulNn, matmulNt } from '../../src/ops/matmul.ts';
import { allocateMatrix, type QuantisedFormat, type Weight } from '../../src/ops/matrix.ts';
import { Quantiser } from '../../src/ops/quantise.ts';
import { Tape } from '../../src/ops/tape.ts';
import type { Bench } from '../bench.ts';
import type { Contest, Side } from '../contest.ts';
import { numbers } from '../numbers.ts';
import { recorded } from '../ours.ts';

export interface QuantisedProduct {
  readonly format: QuantisedFormat;
  readonly product: 'forward' | 'dX';
  readonly T: number;
  readonly K: number;
  readonly N: number;
}

export function quantisedProduct({ session }: Bench, { format, product, T, K, N }: QuantisedProduct): Contest {
  const [given, w] = [numbers(1, T * (product === 'dX' ? N : K)), numbers(2, N * K, 0.1)];

  const side = async (weight: Weight, held: readonly (() => void)[]): Promise<Side> => {
    const inner = await recorded(session, (resident) => {
      const rec = new Recorder(session, `${format} ${product}`);
      const x = resident('x', [T, product === 'dX' ? N : K], given);
      const y = resident('y', [T, product === 'dX' ? K : N]);
      if (product === 'dX') matmulNn(rec, x, weight, y);
      else matmulNt(rec, x, weight, y);
      return { program: rec.finish(), results: [y] };
    });
    return {
      ...inner,
      dispose: () => {
        inner.dispose();
        for (const release of held) release();
      },
    };
  };

  const quantised = async () => {
    const matrix = allocateMatrix(session, 'w', [N, K], format);
    const quantiser = new Quantiser(session);
    await quantiser.write(matrix, 0, w);
    quantiser.destroy();
    return matrix;
  };

  return {
    name: `${format} ${product}, ${T}×${K}→${N}`,
    work: (2 * T * K * N) / 1e9,
    unit: 'GFLOP/s',
    ours: async () => {
      const matrix = await quantised();
      return side(matrix, [() => session.release(...matrix.tensors)]);
    },
    rivals: {
      'f32 weights': async () => {
        const matrix = await quantised();
        const rec = new Recorder(session, 'values');
        const tokens = rec.input('tokens', [N], 'u32');
        const rows = rec.output(embed(new Tape(rec, { recording: false }), tokens, matrix));
        const program = rec.finish();
        program.write(
          tokens,
          Uint32Array.from({ length: N }, (_, i) => i),
        );
        program.run();
        const [values] = await program.read(rows);
        program.destroy();
        session.release(...matrix.tensors);
        const wide = session.resident('w', [N, K], 'f32', values);
        return side(wide, [() => session.release(wide)]);
      },
    },
  };
}
