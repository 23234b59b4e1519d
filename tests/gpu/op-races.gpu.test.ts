/**
 * The kernels themselves on the emulator: one small training step that passes through every op, in each tuning, with
 * subgroups and without. Nothing runs on the GPU here; the device only hands out the kernels' sources.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { Random } from '../../src/base/random.ts';
import { Recorder, type Session } from '../../src/gpu/recorder.ts';
import type { DType, Tensor } from '../../src/gpu/tensor.ts';
import { PROFILES } from '../../src/gpu/tuning.ts';
import { adamwControl, adamwStep } from '../../src/ops/adamw.ts';
import { attention } from '../../src/ops/attention.ts';
import { fold } from '../../src/ops/fold.ts';
import { embed, gatherRows } from '../../src/ops/gather.ts';
import { gelu } from '../../src/ops/gelu.ts';
import { linear, type Lora } from '../../src/ops/linear.ts';
import { logProbs } from '../../src/ops/log-probs.ts';
import { matmulNn, matmulNt, matmulTn } from '../../src/ops/matmul.ts';
import { Matrix, type MatrixPart } from '../../src/ops/matrix.ts';
import { dynamicMap, nf4ScaleWords } from '../../src/ops/nf4.ts';
import { entropyBonus, policyLoss } from '../../src/ops/policy-loss.ts';
import { INVOCATIONS, measureError, quantiseGroups, quantiseNf4 } from '../../src/ops/quantise.ts';
import { rmsNorm } from '../../src/ops/rms-norm.ts';
import { rotary } from '../../src/ops/rotary.ts';
import { DecodeState, sampleTokens, samplingControl } from '../../src/ops/sample.ts';
import { swiglu } from '../../src/ops/swiglu.ts';
import { Tape } from '../../src/ops/tape.ts';
import { expectClose, normals, openSession, type SessionOptions } from '../ops/harness.ts';
import { checkProgram } from './race-check.ts';

const [TOKENS, WIDTH, HEADS, KV_HEADS, HEAD_DIM, INNER, VOCAB, RANK] = [11, 32, 4, 2, 8, 24, 40, 4];

/** Inputs of a recorded program with their contents. */
class Inputs {
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

function adapter(inputs: Inputs, out: number, input: number): Lora {
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
function trainingStep(inputs: Inputs): Lora {
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
  entropyBonus(tape, entropy, { weight, terms, coefficient: 0.1 });
  tape.backward();
  return lora;
}

const tunings = PROFILES.flatMap((profile): (readonly [string, SessionOptions])[] => [
  [profile, { profile }],
  [`${profile}, without subgroups`, { profile, without: ['subgroups'] }],
]);

let session: Session | undefined;
afterEach(() => session?.destroy());

/** Records a program on a device of the given tuning. */
async function recorded<T>(options: SessionOptions, record: (inputs: Inputs, session: Session) => T) {
  session = await openSession(options);
  const inputs = new Inputs(new Recorder(session, 'races'));
  const result = record(inputs, session);
  const program = inputs.rec.finish();
  const check = (edit?: (source: string) => string) =>
    checkProgram(program, inputs.list, { subgroupSize: session!.gpu.subgroupSize || 8, ...(edit && { edit }) });
  return { program, inputs, result, check };
}

describe.each(tunings)('kernels of profile %s have no race, no stray index and no undefined read', (_, options) => {
  test('in a training step', async () => {
    const { check } = await recorded(options, trainingStep);
    expect(check().findings).toEqual([]);
  });

  test('in products of one row, of odd sizes, and of sums split in parts', async () => {
    const { check } = await recorded(options, (inputs) => {
      const { rec } = inputs;
      const K = 20;
      for (const [M, N] of [
        [1, 36],
        [3, 36],
        [18, 36],
        [66, 68],
      ] as const) {
        matmulNt(rec, inputs.normal('x', M, K), inputs.normal('w', N, K), rec.empty('y', [M, N]));
        matmulNn(rec, inputs.normal('x', M, K), inputs.half('w', K, N), rec.empty('y', [M, N]));
      }
      matmulTn(rec, inputs.normal('x', 1100, 8), inputs.normal('w', 1100, 12), rec.empty('y', [8, 12]));
    });
    expect(check().findings).toEqual([]);
  });

  test('in quantising, and in products with quantised weights', async () => {
    const { check } = await recorded(options, (inputs) => {
      const { rec } = inputs;
      const [N, K] = [36, 128];
      for (const format of ['int8', 'int4', 'nf4'] as const) {
        const part: MatrixPart = {
          first: 0,
          rows: N,
          format,
          group: 64,
          values: rec.empty('codes', [N, K / (format === 'int8' ? 4 : 8)], 'u32'),
          scales: format === 'nf4' ? inputs.nf4Scales((N * K) / 64) : rec.empty('scales', [N, K / 64], 'u32'),
        };
        const staged = inputs.normal('staged', N, K);
        if (format === 'nf4') quantiseNf4(rec, part, staged, rec.empty('largest', [(N * K) / 64]), N * K);
        else quantiseGroups(rec, part, staged, { first: 0, count: N * K });
        measureError(rec, part, staged, inputs.float('sums', new Float32Array(4 * INVOCATIONS)), {
          first: 0,
          count: N * K,
        });
        const w = new Matrix('w', format, K, [part]);
        for (const M of [1, 18]) {
          matmulNt(rec, inputs.normal('x', M, K), w, rec.empty('y', [M, N]));
          matmulNn(rec, inputs.normal('dy', M, N), w, rec.empty('dx', [M, K]));
        }
        embed(new Tape(rec, { recording: false }), inputs.whole('tokens', [3], [0, 35, 7]), w);
      }
    });
    expect(check().findings).toEqual([]);
  });

  test('in the optimizer and the merge', async () => {
    const { check } = await recorded(options, (inputs) => {
      const arenas = ['parameter', 'gradient', 'mean', 'square'].map((name) => inputs.normal(name, 260));
      const [parameter, gradient, mean, square] = arenas as [Tensor, Tensor, Tensor, Tensor];
      const settings = {
        learningRate: 1e-3,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        weightDecay: 0.1,
        maxGradNorm: 1,
        step: 3,
      };
      const control = inputs.float('control', adamwControl(settings));
      adamwStep(inputs.rec, { parameter, gradient, mean, square, control, norm: inputs.rec.empty('norm', [1]) });
      const merged = inputs.rec.empty('merged', [12, WIDTH], 'f16');
      fold(inputs.rec, inputs.half('w', 12, WIDTH), adapter(inputs, 12, WIDTH), merged);
    });
    expect(check().findings).toEqual([]);
  });

  test('in drawing a token', async () => {
    const { check } = await recorded(options, (inputs, device) => {
      const state = new DecodeState(device, 3, 4);
      const control = new Int32Array(samplingControl({ temperature: 0.8, topP: 0.9, topK: 7, seed: 3 }).buffer);
      const drawn = {
        logits: inputs.normal('logits', 3, 70),
        suppressed: inputs.whole('suppressed', [3], [1, 0, 0]),
        eos: inputs.whole('eos', [2], [3, 4]),
        control: inputs.whole('control', [4], [...control]),
      };
      sampleTokens(inputs.rec, drawn, state, 0);
    });
    expect(check().findings).toEqual([]);
  });
});

/** Of a vocabulary that is worth more invocations than a subgroup has. */
const LONG = 4100;

// In all profiles for GPUs it is the same 256 invocations, which know of no subgroups: once is enough.
describe.skipIf(process.env.GROUNDWORK_ADAPTER === 'swiftshader')(
  'kernels that share a long row of logits have no race, no stray index and no undefined read',
  () => {
    test('in log-probs with their gradient, and in drawing a token', async () => {
      const { check } = await recorded({ profile: 'shared' }, (inputs, device) => {
        const tape = new Tape(inputs.rec);
        const hidden = tape.track(inputs.normal('hidden', 1, 4));
        const { logps } = logProbs(tape, hidden, inputs.normal('head', LONG, 4), {
          rows: inputs.whole('rows', [1], [0]),
          start: inputs.whole('start', [2], [0, 1]),
          targets: inputs.whole('targets', [1], [LONG - 1]),
        });
        tape.addGrad(logps, inputs.normal('dlogps', 1));
        tape.backward();
        const control = new Int32Array(samplingControl({ temperature: 0.8, topP: 1, topK: 0, seed: 3 }).buffer);
        const drawn = {
          logits: inputs.normal('logits', 1, LONG),
          suppressed: inputs.whole(
            'suppressed',
            [Math.ceil(LONG / 32)],
            [1, ...Array<number>(Math.ceil(LONG / 32) - 1).fill(0)],
          ),
          eos: inputs.whole('eos', [1], [3]),
          control: inputs.whole('control', [4], [...control]),
        };
        sampleTokens(inputs.rec, drawn, new DecodeState(device, 1, 4), 0);
      });
      expect(check().findings).toEqual([]);
    });
  },
);

describe('the emulator can be believed', () => {
  test('it computes what the device computes', async () => {
    const { program, inputs, result, check } = await recorded({}, (given) => {
      const { gradA, gradB } = trainingStep(given);
      return [given.rec.output(gradA), given.rec.output(gradB)];
    });
    for (const { tensor, data } of inputs.list) program.write(tensor, data);
    program.run();
    const device = await program.read(...result);
    const { read } = check();
    result.forEach((tensor, i) => expectClose(new Float32Array(read(tensor)), device[i]!, 1e-4));
  });

  test('with the barriers taken out of the kernels it finds races', async () => {
    const { check } = await recorded({ profile: 'shared', without: ['subgroups'] }, trainingStep);
    const { findings } = check((source) => source.replaceAll('workgroupBarrier();', ''));
    for (const kernel of ['rms-norm', 'attention/forward', 'matmul']) {
      expect(
        findings.filter((f) => f.startsWith(`race in ${kernel}`)),
        kernel,
      ).not.toEqual([]);
    }
  });
});
