/**
 * What the emulator looks for races in: programs that between them run every kernel of every op. A new op adds itself
 * here, or tests/ops/checks.test.ts names it.
 */
import type { Session } from '../../src/gpu/recorder.ts';
import type { Tensor } from '../../src/gpu/tensor.ts';
import { addInto } from '../../src/ops/add.ts';
import { adamwControl, adamwStep, averageStep } from '../../src/ops/adamw.ts';
import { attention } from '../../src/ops/attention.ts';
import { concatColumns } from '../../src/ops/concat.ts';
import { dropout } from '../../src/ops/dropout.ts';
import { expanded } from '../../src/ops/expand.ts';
import { fold } from '../../src/ops/fold.ts';
import { addFeatures, embed } from '../../src/ops/gather.ts';
import { gelu } from '../../src/ops/gelu.ts';
import { interpolateRows } from '../../src/ops/interpolate.ts';
import { layerNorm } from '../../src/ops/layer-norm.ts';
import { logProbs } from '../../src/ops/log-probs.ts';
import { matmulNn, matmulNt, matmulTn } from '../../src/ops/matmul.ts';
import { Matrix, type MatrixPart } from '../../src/ops/matrix.ts';
import { kernelOf } from '../../src/ops/objective-kernels.ts';
import { OBJECTIVES, type ObjectiveName, RATIO_LEVELS } from '../../src/ops/objectives.ts';
import { needsSpans, nllLoss, policyLoss, type PolicySettings } from '../../src/ops/policy-loss.ts';
import { INVOCATIONS, measureError, quantiseGroups, quantiseNf4 } from '../../src/ops/quantise.ts';
import { DecodeState, sampleTokens, samplingControl } from '../../src/ops/sample.ts';
import { Tape } from '../../src/ops/tape.ts';
import { adapter, type Inputs, trainingStep, WIDTH } from './training-step.ts';

export type RaceCase = (inputs: Inputs, session: Session) => void;

/** Each in every tuning, with subgroups of every size and without. */
export const RACE_CASES: Readonly<Record<string, RaceCase>> = {
  'a training step': trainingStep,

  'products of one row, of odd sizes, and of sums split in parts': (inputs) => {
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
  },

  'quantising, and products with quantised weights': (inputs) => {
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
  },

  'the optimizer and the merge': (inputs) => {
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
    averageStep(inputs.rec, { parameter, average: inputs.normal('average', ...parameter.shape), rate: 0.1 });
    const merged = inputs.rec.empty('merged', [12, WIDTH], 'f16');
    fold(inputs.rec, inputs.half('w', 12, WIDTH), adapter(inputs, 12, WIDTH), merged);
  },

  'the likeliest tokens of each row': (inputs) => {
    const at = {
      rows: inputs.whole('rows', [3], [0, 1, -1]),
      start: inputs.whole('start', [4], [0, 2, 3, 3]),
      targets: inputs.whole('targets', [3], [4, 69, 0]),
    };
    const head = inputs.normal('head', 70, 8);
    logProbs(new Tape(inputs.rec, { recording: false }), inputs.normal('hidden', 2, 8), head, at, { top: 5 });
  },

  'drawing a token': (inputs, device) => {
    const state = new DecodeState(device, 3, 4);
    const control = new Int32Array(samplingControl({ temperature: 0.8, topP: 0.9, topK: 7, seed: 3 }).buffer);
    const drawn = {
      logits: inputs.normal('logits', 3, 70),
      suppressed: inputs.whole('suppressed', [3], [1, 0, 0]),
      eos: inputs.whole('eos', [2], [3, 4]),
      control: inputs.whole('control', [4], [...control]),
    };
    sampleTokens(inputs.rec, drawn, state, 0);
  },

  'a vision tower: norm, activations, positions between those of a table, levels of features': (inputs) => {
    const { rec } = inputs;
    const tape = new Tape(rec);
    const [rows, columns] = [5, 12];
    const x = tape.track(inputs.normal('x', rows, columns));
    const normed = layerNorm(tape, x, inputs.normal('w', columns), inputs.normal('b', columns), 1e-6);
    const forms = (['erf', 'tanh', 'quick'] as const).map((form) => gelu(tape, normed, form));
    const dropped = dropout(tape, forms[0]!, { p: 0.5, seed: inputs.whole('seed', [1], [3]), id: 2 });
    const wide = concatColumns(tape, [dropped, forms[1]!, forms[2]!]);
    tape.addGrad(wide, inputs.normal('dy', rows, 3 * columns));
    tape.backward();
    const corners = inputs.whole('corners', [3, 4], [0, 1, 2, 3, 1, 1, 4, 4, 3, 2, 0, 4]);
    const between = interpolateRows(tape, inputs.half('table', 5, columns), corners, inputs.normal('shares', 3, 4));
    addFeatures(rec, between, { features: wide, index: inputs.whole('index', [3], [-1, 4, 1]) }, columns);
    addInto(rec, between, inputs.normal('more', 3, columns));
  },

  'every objective, and ratios of every level': (inputs) => {
    const S = 8;
    const spans = inputs.whole('spans', [2, 4], [0, 1, 4, 0, 4, 5, 4, 0]);
    const values = (label: string) => inputs.normal(label, S);
    const settings = { epsilon: 0.2, epsilonHigh: 0.28, beta: 0.04, klRatio: false };
    const objectives = Object.keys(OBJECTIVES) as ObjectiveName[];
    const all: PolicySettings[] = [
      ...objectives.map((objective) => {
        const names = kernelOf(objective).constants ?? [];
        return { ...settings, objective, constants: Object.fromEntries(names.map((name) => [name, 1.5])) };
      }),
      ...RATIO_LEVELS.map((level) => ({ ...settings, level, delta: 1.5, offPolicyThreshold: 0.1 })),
    ];
    for (const each of all) {
      const tape = new Tape(inputs.rec);
      const targets = { weight: values('weight'), advantage: values('advantage'), old: values('old') };
      const rest = { reference: values('reference'), kept: values('kept'), ...(needsSpans(each) && { spans }) };
      policyLoss(tape, tape.track(values('logps')), { ...targets, ...rest }, each);
      tape.backward();
    }
    const tape = new Tape(inputs.rec);
    nllLoss(tape, tape.track(values('logps')), values('weight'));
    tape.backward();
  },

  'rows decoded against a long cache, whose keys workgroups share': (inputs) => {
    const [rows, keys, heads, headDim] = [2, 300, 2, 8];
    attention(new Tape(inputs.rec, { recording: false }), {
      q: inputs.normal('q', rows, heads * headDim),
      k: inputs.normal('k', keys, heads * headDim),
      v: inputs.normal('v', keys, heads * headDim),
      ranges: inputs.whole('ranges', [rows, 4], [0, 200, 210, 290, 0, 200, 290, 293]),
      keyRanges: null,
      scattered: true,
      heads,
      kvHeads: heads,
      headDim,
      scale: headDim ** -0.5,
    });
  },

  'quantised weights in f32, block by block': (inputs) => {
    const { rec } = inputs;
    for (const format of ['int8', 'int4', 'nf4'] as const) {
      const words = 128 / (format === 'int8' ? 4 : 8);
      const part: MatrixPart = {
        first: 0,
        rows: 8,
        format,
        group: 64,
        values: inputs.whole(
          'codes',
          [8, words],
          Array.from({ length: 8 * words }, (_, i) => i * 7919),
        ),
        scales:
          format === 'nf4' ? inputs.nf4Scales(16) : inputs.whole('scales', [8, 2], Array<number>(16).fill(0x3c003c00)),
      };
      for (const { values } of expanded(rec, part, 128)) addInto(rec, inputs.normal('sum', ...values.shape), values);
    }
  },
};

/** Of a vocabulary that is worth more invocations than a subgroup has. */
const LONG = 4100;

/** In all profiles for GPUs it is the same 256 invocations, which know of no subgroups: once is enough. */
export const LONG_ROW: RaceCase = (inputs, device) => {
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
};
