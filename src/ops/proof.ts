/**
 * The kernels against f64, on whatever adapter this is: small cases with fixed inputs, references written out plainly.
 * For a visitor's own GPU; what PyTorch says of the same ops is in tests/golden.
 */
import { Random } from '../base/random.ts';
import { Recorder, type Session } from '../gpu/recorder.ts';
import type { DType, Tensor } from '../gpu/tensor.ts';
import { adamwControl, adamwStep, CONTROL_SIZE } from './adamw.ts';
import { attention } from './attention.ts';
import { fold } from './fold.ts';
import { embed } from './gather.ts';
import { gelu, type GeluForm } from './gelu.ts';
import { layerNorm } from './layer-norm.ts';
import { linear } from './linear.ts';
import { logProbs } from './log-probs.ts';
import { needsSpans, nllLoss, policyLoss, type PolicySettings } from './policy-loss.ts';
import { policyGradient, policyTerms } from './policy-reference.ts';
import * as f64 from './proof-reference.ts';
import { rmsNorm } from './rms-norm.ts';
import { rotary } from './rotary.ts';
import { swiglu } from './swiglu.ts';
import { Tape } from './tape.ts';

export interface ProofCase {
  readonly op: string;
  /** What is compared, and its size. */
  readonly what: string;
  /** Largest |difference| over largest |value| that still passes. */
  readonly tolerance: number;
  /** Pairs of (computed, reference). */
  run(session: Session): Promise<readonly (readonly [ArrayLike<number>, ArrayLike<number>])[]>;
}

/** Largest difference over the largest value of the reference; Infinity where anything is not a number. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let [error, scale] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(actual[i]! - expected[i]!);
    if (Number.isNaN(difference)) return Infinity;
    error = Math.max(error, difference);
    scale = Math.max(scale, Math.abs(expected[i]!));
  }
  return error / Math.max(scale, 1e-30);
}

/** Numbers that f32 holds exactly, so that both sides start from the same. */
const normals = (random: Random, count: number): Float64Array =>
  Float64Array.from({ length: count }, () => Math.fround(random.normal()));

type Put = (label: string, shape: readonly number[], values: ArrayLike<number>, dtype?: DType) => Tensor;

/** Records, runs once, reads back. */
async function compute(
  session: Session,
  record: (rec: Recorder, put: Put) => readonly Tensor[],
): Promise<Float32Array[]> {
  const rec = new Recorder(session, 'self-proof');
  const inputs: { tensor: Tensor; data: ArrayBufferView }[] = [];
  const outputs = record(rec, (label, shape, values, dtype = 'f32') => {
    const tensor = rec.input(label, shape, dtype);
    const Kind = dtype === 'u32' ? Uint32Array : dtype === 'i32' ? Int32Array : Float32Array;
    inputs.push({ tensor, data: Kind.from(values) });
    return tensor;
  }).map((tensor) => (tensor.storage.buffer ? tensor : rec.output(tensor)));
  const program = rec.finish();
  try {
    await session.kernels.ready();
    for (const { tensor, data } of inputs) program.write(tensor, data);
    program.run();
    return await program.read(...outputs);
  } finally {
    program.destroy();
  }
}

const pairs = (got: readonly ArrayLike<number>[], want: readonly ArrayLike<number>[]) =>
  want.map((values, i) => [got[i]!, values] as const);

const LINEAR = { T: 37, K: 96, N: 72, R: 8, scale: 2 };

const linearCase: ProofCase = {
  op: 'Linear with LoRA',
  what: `y, dx, dA, dB · ${LINEAR.T} × ${LINEAR.K} → ${LINEAR.N}, rank ${LINEAR.R}`,
  tolerance: 1e-5,
  async run(session) {
    const random = new Random(1);
    const { T, K, N, R, scale } = LINEAR;
    const [x, w, a, b, dy] = [T * K, N * K, R * K, N * R, T * N].map((n) => normals(random, n));
    const zeros = { a: new Float64Array(R * K), b: new Float64Array(N * R) };
    const got = await compute(session, (rec, put) => {
      const tape = new Tape(rec);
      const xt = tape.track(put('x', [T, K], x!));
      const lora = {
        a: put('A', [R, K], a!),
        b: put('B', [N, R], b!),
        gradA: put('dA', [R, K], zeros.a),
        gradB: put('dB', [N, R], zeros.b),
        scaling: scale,
      };
      const y = linear(tape, xt, { weight: put('w', [N, K], w!) }, { lora });
      tape.addGrad(y, put('dy', [T, N], dy!));
      rec.output(y);
      tape.backward();
      return [y, tape.grad(xt)!, lora.gradA, lora.gradB];
    });
    return pairs(got, f64.linear(x!, w!, a!, b!, dy!, LINEAR));
  },
};

const ATTENTION = { T: 45, heads: 4, kvHeads: 2, D: 32 };

export const attentionCase: ProofCase = {
  op: 'Attention',
  what: `o, dq, dk, dv · causal, ${ATTENTION.T} tokens, ${ATTENTION.heads} heads on ${ATTENTION.kvHeads}`,
  tolerance: 2e-5,
  async run(session) {
    const random = new Random(2);
    const { T, heads, kvHeads, D } = ATTENTION;
    const [q, k, v, dO] = [heads, kvHeads, kvHeads, heads].map((h) => normals(random, T * h * D));
    const got = await compute(session, (rec, put) => {
      const tape = new Tape(rec);
      const [qt, kt, vt] = [
        put('q', [T, heads * D], q!),
        put('k', [T, kvHeads * D], k!),
        put('v', [T, kvHeads * D], v!),
      ];
      for (const tensor of [qt, kt, vt]) tape.track(tensor);
      const each = (f: (t: number) => number[]) => Array.from({ length: T }, (_, t) => f(t)).flat();
      const o = attention(tape, {
        q: qt,
        k: kt,
        v: vt,
        ranges: put(
          'ranges',
          [T, 4],
          each((t) => [0, 0, 0, t + 1]),
          'u32',
        ),
        keyRanges: put(
          'key ranges',
          [T, 2],
          each((t) => [t, T]),
          'u32',
        ),
        heads,
        kvHeads,
        headDim: D,
        scale: 1 / Math.sqrt(D),
      });
      tape.addGrad(o, put('dO', [T, heads * D], dO!));
      rec.output(o);
      tape.backward();
      return [o, tape.grad(qt)!, tape.grad(kt)!, tape.grad(vt)!];
    });
    return pairs(got, f64.causalAttention(q!, k!, v!, dO!, ATTENTION));
  },
};

const ROWS = { T: 21, C: 192, eps: 1e-6 };

const normCase: ProofCase = {
  op: 'RMS norm',
  what: `y, dx · ${ROWS.T} × ${ROWS.C}`,
  tolerance: 1e-5,
  async run(session) {
    const random = new Random(3);
    const { T, C, eps } = ROWS;
    const [x, w, dy] = [T * C, C, T * C].map((n) => normals(random, n));
    const got = await compute(session, (rec, put) => {
      const tape = new Tape(rec);
      const xt = tape.track(put('x', [T, C], x!));
      const y = rmsNorm(tape, xt, put('w', [C], w!), eps);
      tape.addGrad(y, put('dy', [T, C], dy!));
      rec.output(y);
      tape.backward();
      return [y, tape.grad(xt)!];
    });
    return pairs(got, f64.rmsNorm(x!, w!, dy!, ROWS));
  },
};

const layerNormCase: ProofCase = {
  op: 'Layer norm',
  what: `y, dx · ${ROWS.T} × ${ROWS.C}`,
  tolerance: 1e-5,
  async run(session) {
    const random = new Random(9);
    const { T, C, eps } = ROWS;
    const [x, w, b, dy] = [T * C, C, C, T * C].map((n) => normals(random, n));
    const got = await compute(session, (rec, put) => {
      const tape = new Tape(rec);
      const xt = tape.track(put('x', [T, C], x!));
      const y = layerNorm(tape, xt, put('w', [C], w!), put('b', [C], b!), eps);
      tape.addGrad(y, put('dy', [T, C], dy!));
      rec.output(y);
      tape.backward();
      return [y, tape.grad(xt)!];
    });
    return pairs(got, f64.layerNorm(x!, w!, b!, dy!, ROWS));
  },
};

const geluCase = (form: GeluForm): ProofCase => ({
  op: `GELU, ${form}`,
  what: `y, dx · ${ROWS.T} × ${ROWS.C}`,
  tolerance: 1e-5,
  async run(session) {
    const random = new Random(10);
    const { T, C } = ROWS;
    const [x, dy] = [1, 2].map(() => normals(random, T * C));
    const got = await compute(session, (rec, put) => {
      const tape = new Tape(rec);
      const xt = tape.track(put('x', [T, C], x!));
      const y = gelu(tape, xt, form);
      tape.addGrad(y, put('dy', [T, C], dy!));
      rec.output(y);
      tape.backward();
      return [y, tape.grad(xt)!];
    });
    return pairs(got, f64.gelu(x!, dy!, form));
  },
});

const FOLD = { N: 24, K: 40, R: 4, scaling: 1.5 };

const foldCase: ProofCase = {
  op: 'Merge of an adapter',
  what: `w + s·B·A · ${FOLD.N} × ${FOLD.K}, rank ${FOLD.R}`,
  tolerance: 1e-5,
  async run(session) {
    const random = new Random(11);
    const { N, K, R, scaling } = FOLD;
    const [w, a, b] = [N * K, R * K, N * R].map((n) => normals(random, n));
    const got = await compute(session, (rec, put) => {
      const y = rec.empty('merged', [N, K]);
      const [at, bt] = [put('A', [R, K], a!), put('B', [N, R], b!)];
      fold(rec, put('w', [N, K], w!), { a: at, b: bt, gradA: at, gradB: bt, scaling }, y);
      return [y];
    });
    return pairs(got, f64.fold(w!, a!, b!, FOLD));
  },
};

const EMBED = { V: 33, C: 20, tokens: [5, 32, 0, 7, 7], features: 3, index: [-1, 2, -1, 0, -1] };

const embedCase: ProofCase = {
  op: 'Embedding with image features',
  what: `y, d features · ${EMBED.tokens.length} tokens of ${EMBED.V}, width ${EMBED.C}`,
  // Rows are moved, and moving does not round; gelu before them does, so that the comparison has something to measure.
  tolerance: 1e-5,
  async run(session) {
    const random = new Random(12);
    const { V, C, tokens, features, index } = EMBED;
    const T = tokens.length;
    const [table, x, dy] = [V * C, features * C, T * C].map((n) => normals(random, n));
    const got = await compute(session, (rec, put) => {
      const tape = new Tape(rec);
      const xt = tape.track(put('features', [features, C], x!));
      const images = { features: gelu(tape, xt, 'tanh'), index: put('index', [T], index, 'i32') };
      const y = embed(tape, put('tokens', [T], tokens, 'u32'), put('table', [V, C], table!), images);
      tape.addGrad(y, put('dy', [T, C], dy!));
      rec.output(y);
      tape.backward();
      return [y, tape.grad(xt)!];
    });
    return pairs(got, f64.embed(table!, x!, dy!, EMBED));
  },
};

const swigluCase: ProofCase = {
  op: 'SwiGLU',
  what: `y, dgate, dup · ${ROWS.T} × ${ROWS.C}`,
  tolerance: 1e-5,
  async run(session) {
    const random = new Random(4);
    const { T, C } = ROWS;
    const [gate, up, dy] = [1, 2, 3].map(() => normals(random, T * C));
    const got = await compute(session, (rec, put) => {
      const tape = new Tape(rec);
      const [g, u] = [tape.track(put('gate', [T, C], gate!)), tape.track(put('up', [T, C], up!))];
      const y = swiglu(tape, g, u);
      tape.addGrad(y, put('dy', [T, C], dy!));
      rec.output(y);
      tape.backward();
      return [y, tape.grad(g)!, tape.grad(u)!];
    });
    return pairs(got, f64.swiglu(gate!, up!, dy!));
  },
};

const ROTARY = { T: 19, heads: 3, D: 32 };

const rotaryCase: ProofCase = {
  op: 'Rotary embedding',
  what: `y, dx · ${ROTARY.T} tokens, ${ROTARY.heads} heads of ${ROTARY.D}`,
  tolerance: 1e-5,
  async run(session) {
    const random = new Random(5);
    const { T, heads, D } = ROTARY;
    const [x, dy] = [1, 2].map(() => normals(random, T * heads * D));
    const table = Float64Array.from({ length: T * D }, (_, i) => {
      const angle = Math.floor(i / D) / 10_000 ** ((2 * Math.floor((i % D) / 2)) / D);
      return Math.fround(i % 2 === 0 ? Math.cos(angle) : Math.sin(angle));
    });
    const got = await compute(session, (rec, put) => {
      const tape = new Tape(rec);
      const xt = tape.track(put('x', [T, heads * D], x!));
      const angles = {
        table: put('table', [T, D / 2, 2], table),
        positions: put('positions', [T], [...Array(T).keys()], 'u32'),
      };
      const y = rotary(tape, xt, angles, { heads, headDim: D });
      tape.addGrad(y, put('dy', [T, heads * D], dy!));
      rec.output(y);
      tape.backward();
      return [y, tape.grad(xt)!];
    });
    return pairs(got, [f64.rotate(x!, table, ROTARY, 1), f64.rotate(dy!, table, ROTARY, -1)]);
  },
};

const HEAD = { T: 18, H: 64, V: 300, temperature: 0.9 };

/** The head's case at a size of one's own; with a long vocabulary a row is shared by more invocations. */
export const headProof = (sizes: typeof HEAD): ProofCase => ({
  op: 'Head and cross-entropy',
  what: `log-probs, entropy, dhidden · ${sizes.T} × ${sizes.H}, vocabulary ${sizes.V}`,
  tolerance: 2e-5,
  async run(session) {
    const random = new Random(6);
    const { T, H, V, temperature } = sizes;
    const [hidden, head] = [normals(random, T * H), normals(random, V * H).map((v) => Math.fround(v / 4))];
    const targets = Array.from({ length: T }, () => random.below(V));
    const weight = Array.from({ length: T }, (_, t) => (t % 5 === 0 ? 0 : Math.fround(1 / T)));
    const got = await compute(session, (rec, put) => {
      const tape = new Tape(rec);
      const ht = tape.track(put('hidden', [T, H], hidden));
      const scored = logProbs(
        tape,
        ht,
        put('head', [V, H], head),
        {
          rows: put('rows', [T], [...Array(T).keys()], 'i32'),
          start: put('start', [T + 1], [...Array(T + 1).keys()], 'u32'),
          targets: put('targets', [T], targets, 'u32'),
        },
        { temperature },
      );
      nllLoss(tape, scored.logps, put('weight', [T], weight));
      rec.output(scored.logps);
      rec.output(scored.entropy);
      tape.backward();
      return [scored.logps, scored.entropy, tape.grad(ht)!];
    });
    return pairs(got, f64.head(hidden, head, targets, weight, sizes));
  },
});

const POLICY = { epsilon: 0.2, epsilonHigh: 0.28, beta: 0.04, klRatio: true };

const policyCase = (op: string, settings: Partial<PolicySettings> = {}): ProofCase => ({
  op,
  what: 'loss, KL, ratio, d log-prob · 64 tokens of 5 completions, on both sides of the clip',
  tolerance: 1e-5,
  async run(session) {
    const random = new Random(7);
    const S = 64;
    const all = { ...POLICY, ...settings };
    const some = (scale: number, shift: number) => normals(random, S).map((v) => Math.fround(v * scale + shift));
    const [logps, old, reference, drawn] = [some(0.4, -1.2), some(0.4, -1.2), some(0.4, -1.2), some(1, 0)];
    const kept = Float64Array.from({ length: S }, (_, s) => Number(s % 3 !== 1));
    // As packed: the first tokens side by side, then the rest of each completion.
    const lengths = [20, 14, 1, 17, 12];
    const starts = lengths.map((_, c) => 5 + lengths.slice(0, c).reduce((a, b) => a + b - 1, 0));
    const spans = lengths.flatMap((length, c) => [c, starts[c]!, length, 0]);
    const completion = Float64Array.from({ length: S }, (_, s) =>
      s < 5 ? s : starts.findLastIndex((at, c) => lengths[c]! > 1 && at <= s),
    );
    const advantage = completion.map((c) => drawn[c]!);
    const weight = new Float64Array(S).fill(Math.fround(1 / S));
    const got = await compute(session, (rec, put) => {
      const tape = new Tape(rec);
      const lt = tape.track(put('logps', [S], logps));
      const rest = { weight, advantage, old, reference, kept };
      const [w, a, o, r, k] = Object.entries(rest).map(([name, values]) => put(name, [S], values));
      const targets = {
        weight: w!,
        advantage: a!,
        old: o!,
        reference: r!,
        ...(settings.objective && { kept: k! }),
        ...(needsSpans(all) && { spans: put('spans', [5, 4], spans, 'u32') }),
      };
      const terms = policyLoss(tape, lt, targets, all);
      rec.output(terms);
      tape.backward();
      return [terms, tape.grad(lt)!];
    });
    const tokens = { completion, weight, advantage, old, reference, ...(settings.objective && { kept }) };
    const want = policyTerms(logps, logps, tokens, all);
    const column = (c: number) => got[0]!.filter((_, i) => i % 4 === c);
    return pairs(
      [column(0), column(1), column(2), got[1]!],
      [
        want.map(({ loss }) => loss),
        want.map(({ kl }) => kl),
        want.map(({ coefficient }) => coefficient),
        policyGradient(logps, tokens, all),
      ],
    );
  },
});

/** One of each objective, and of each level that a ratio can be taken at. */
const policyCases: readonly ProofCase[] = [
  policyCase('GRPO objective'),
  policyCase('GRPO objective, ratio of completions', { level: 'sequence', delta: 1.5 }),
  policyCase('GSPO-token objective', { level: 'sequence_token', offPolicyThreshold: 0.02 }),
  policyCase('CISPO objective', { objective: 'cispo', epsilonHigh: 1.2 }),
  policyCase('SAPO objective', { objective: 'sapo', constants: { TEMPERATURE_POS: 1, TEMPERATURE_NEG: 1.05 } }),
  policyCase('VESPO objective', {
    objective: 'vespo',
    constants: { K_POS: 2, LAMBDA_POS: 3, K_NEG: 3, LAMBDA_NEG: 2 },
  }),
  policyCase('GMPO objective', { objective: 'gmpo', epsilon: 0.4, epsilonHigh: 0.4 }),
];

const ADAMW = {
  learningRate: 1e-3,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0.01,
  maxGradNorm: 1,
  step: 1,
};

const adamwCase: ProofCase = {
  op: 'AdamW',
  what: 'parameters, moments after a clipped step · 1,000 numbers',
  tolerance: 1e-5,
  async run(session) {
    const random = new Random(8);
    const N = 1000;
    const [parameter, gradient] = [normals(random, N), normals(random, N)];
    const zeros = new Float64Array(N);
    const got = await compute(session, (rec, put) => {
      const arenas = {
        parameter: put('parameter', [N], parameter),
        gradient: put('gradient', [N], gradient),
        mean: put('mean', [N], zeros),
        square: put('square', [N], zeros),
        control: put('control', [CONTROL_SIZE], adamwControl(ADAMW)),
        norm: put('norm', [1], [0]),
      };
      adamwStep(rec, arenas);
      return [arenas.parameter, arenas.mean, arenas.square];
    });
    return pairs(got, f64.adamw(parameter, gradient, ADAMW));
  },
};

export const PROOF_CASES: readonly ProofCase[] = [
  linearCase,
  attentionCase,
  normCase,
  layerNormCase,
  swigluCase,
  geluCase('erf'),
  geluCase('tanh'),
  geluCase('quick'),
  embedCase,
  rotaryCase,
  headProof(HEAD),
  ...policyCases,
  adamwCase,
  foldCase,
];
