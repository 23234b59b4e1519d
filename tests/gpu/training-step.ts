/**
 * One small training step that passes through every op, recorded with inputs whose contents are known: what the
 * emulator is given to find races in, and what its results are compared with the device's on.
 */
import { Random } from '../../src/base/random.ts';
import type { Recorder } from '../../src/gpu/recorder.ts';
import type { DType, Tensor } from '../../src/gpu/tensor.ts';
import { attention } from '../../src/ops/attention.ts';
import { embed, gatherRows } from '../../src/ops/gather.ts';
import { gelu } from '../../src/ops/gelu.ts';
import { linear, type Lora } from '../../src/ops/linear.ts';
import { logProbs } from '../../src/ops/log-probs.ts';
import { dynamicMap, nf4ScaleWords } from '../../src/ops/nf4.ts';
import { entropyBonus, policyLoss } from '../../src/ops/policy-loss.ts';
import { rmsNorm } from '../../src/ops/rms-norm.ts';
import { rotary } from '../../src/ops/rotary.ts';
import { swiglu } from '../../src/ops/swiglu.ts';
import { Tape } from '../../src/ops/tape.ts';
import { normals } from '../ops/harness.ts';

export const WIDTH = 32;
const [TOKENS, HEADS, KV_HEADS, HEAD_DIM, INNER, VOCAB, RANK] = [11, 4, 2, 8, 24, 40, 4];

/** Inputs of a recorded program with their contents. */
export class Inputs {
  readonly rec: Recorder;
  readonly list: { tensor: Tensor; data: ArrayBufferView }[] = [];
  readonly #random = new Random(7);

  constructor(rec: Recorder) {
    this.rec = rec;
  }

  #given(label: string, shape: readonly number[], data: ArrayBufferView, dtype: DType): Tensor {
    const tensor = this.rec.input(label, shape, dtype);
    this.list.push({ tensor, data });
    return tensor;
  }

  normal(label: string, ...shape: number[]): Tensor {
    return this.#given(
      label,
      shape,
      Float32Array.from(
        normals(
          this.#random,
          shape.reduce((a, b) => a * b, 1),
          0.3,
        ),
      ),
      'f32',
    );
  }

  /** Packed halves; their bits are small numbers. */
  half(label: string, ...shape: number[]): Tensor {
    const n = shape.reduce((a, b) => a * b, 1);
    return this.#given(
      label,
      shape,
      Uint16Array.from({ length: n }, () => 0x2c00 + this.#random.below(2048)),
      'f16',
    );
  }

  whole(label: string, shape: readonly number[], values: readonly number[]): Tensor {
    return this.#given(label, shape, Int32Array.from(values), values.some((v) => v < 0) ? 'i32' : 'u32');
  }

  /** What an NF4 matrix's scales hold before anything is quantised. */
  nf4Scales(blocks: number): Tensor {
    const data = new Uint32Array(nf4ScaleWords(blocks));
    data.set(new Uint32Array(dynamicMap().buffer));
    return this.#given('scales', [data.length], data, 'u32');
  }

  float(label: string, data: Float32Array): Tensor {
    return this.#given(label, [data.length], data, 'f32');
  }
}

export function adapter(inputs: Inputs, out: number, input: number): Lora {
  const shaped = (name: string, ...shape: number[]) => inputs.normal(name, ...shape);
  return {
    a: shaped('A', RANK, input),
    b: shaped('B', out, RANK),
    gradA: shaped('dA', RANK, input),
    gradB: shaped('dB', out, RANK),
    scaling: 2,
    dropout: { p: 0.25, seed: inputs.whole('seed', [1], [5]), id: out },
  };
}

/** Embedding with two image rows, one decoder layer with adapters, the head, GRPO's loss, and all of it backwards. */
export function trainingStep(inputs: Inputs): Lora {
  const { rec } = inputs;
  const tape = new Tape(rec);
  const [qWidth, kvWidth] = [HEADS * HEAD_DIM, KV_HEADS * HEAD_DIM];
  const range = (n: number) => Array.from({ length: n }, (_, i) => i);
  const features = tape.track(gelu(tape, tape.track(inputs.normal('features', 2, WIDTH))));
  const image = inputs.whole(
    'image rows',
    [TOKENS],
    range(TOKENS).map((t) => (t === 2 ? 1 : t === 3 ? 0 : -1)),
  );
  const tokens = inputs.whole(
    'tokens',
    [TOKENS],
    range(TOKENS).map((t) => (t * 7) % VOCAB),
  );
  const hidden = embed(tape, tokens, inputs.half('embedding', VOCAB, WIDTH), { features, index: image });

  const normed = rmsNorm(tape, hidden, inputs.normal('norm', WIDTH), 1e-6);
  const lora = adapter(inputs, qWidth, WIDTH);
  const q = linear(
    tape,
    normed,
    { weight: inputs.half('Wq', qWidth, WIDTH), bias: inputs.normal('bq', qWidth) },
    { lora },
  );
  const k = linear(tape, normed, { weight: inputs.half('Wk', kvWidth, WIDTH) });
  const v = linear(tape, normed, { weight: inputs.normal('Wv', kvWidth, WIDTH) });
  const table = {
    table: inputs.normal('angles', TOKENS, HEAD_DIM / 2, 2),
    positions: inputs.whole('positions', [TOKENS], range(TOKENS)),
  };
  const mixed = attention(tape, {
    q: rotary(tape, q, table, { heads: HEADS, headDim: HEAD_DIM }),
    k: rotary(tape, k, table, { heads: KV_HEADS, headDim: HEAD_DIM }),
    v,
    // A prompt of five tokens and two completions that share it.
    ranges: inputs.whole(
      'ranges',
      [TOKENS, 4],
      range(TOKENS).flatMap((t) => (t < 5 ? [0, 0, 0, t + 1] : [0, 5, t < 8 ? 5 : 8, t + 1])),
    ),
    keyRanges: inputs.whole(
      'key ranges',
      [TOKENS, 2],
      range(TOKENS).flatMap((t) => (t < 5 ? [t, TOKENS] : t < 8 ? [t, 8] : [t, TOKENS])),
    ),
    heads: HEADS,
    kvHeads: KV_HEADS,
    headDim: HEAD_DIM,
    scale: HEAD_DIM ** -0.5,
  });
  const after = linear(tape, mixed, { weight: inputs.half('Wo', WIDTH, qWidth) }, { residual: hidden });
  const again = rmsNorm(tape, after, inputs.normal('norm', WIDTH), 1e-6);
  const gated = swiglu(
    tape,
    linear(tape, again, { weight: inputs.half('Wg', INNER, WIDTH) }),
    linear(tape, again, { weight: inputs.half('Wu', INNER, WIDTH) }),
  );
  const out = linear(tape, gated, { weight: inputs.half('Wd', WIDTH, INNER) }, { residual: after });
  const picked = gatherRows(tape, out, inputs.whole('order', [TOKENS], [...range(TOKENS).reverse()]));

  const scored = [4, 5, 6, 8, 9];
  const n = scored.length + 1;
  const { logps, entropy } = logProbs(tape, picked, inputs.half('head', VOCAB, WIDTH), {
    rows: inputs.whole('rows', [scored.length + 1], [...scored, -1]),
    start: inputs.whole('start', [scored.length + 2], [0, 2, 3, 4, 5, 6, 6]),
    targets: inputs.whole(
      'targets',
      [n],
      range(n).map((i) => (i * 11) % VOCAB),
    ),
  });
  const values = (label: string) => inputs.normal(label, n);
  const weight = values('weight');
  const terms = policyLoss(
    tape,
    logps,
    { weight, advantage: values('advantage'), old: values('old'), reference: values('reference') },
    { epsilon: 0.2, epsilonHigh: 0.28, beta: 0.04, klRatio: true },
  );
  entropyBonus(tape, entropy, { share: values('entropy share'), terms });
  tape.backward();
  return lora;
}
