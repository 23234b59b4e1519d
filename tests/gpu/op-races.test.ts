/**
 * The kernels themselves on the emulator: one small training step that passes through every op, in each tuning, with
 * subgroups of 4, 8 and 32 lanes and without. No device is opened: a dry one hands out the kernels' sources.
 */
import { describe, expect, test } from 'vitest';
import { Recorder, type Session } from '../../src/gpu/recorder.ts';
import type { Tensor } from '../../src/gpu/tensor.ts';
import { PROFILES } from '../../src/gpu/tuning.ts';
import { adamwControl, adamwStep } from '../../src/ops/adamw.ts';
import { fold } from '../../src/ops/fold.ts';
import { embed } from '../../src/ops/gather.ts';
import { logProbs } from '../../src/ops/log-probs.ts';
import { matmulNn, matmulNt, matmulTn } from '../../src/ops/matmul.ts';
import { Matrix, type MatrixPart } from '../../src/ops/matrix.ts';
import { INVOCATIONS, measureError, quantiseGroups, quantiseNf4 } from '../../src/ops/quantise.ts';
import { DecodeState, sampleTokens, samplingControl } from '../../src/ops/sample.ts';
import { Tape } from '../../src/ops/tape.ts';
import { drySession, type DryTraits } from './dry-session.ts';
import { checkProgram } from './race-check.ts';
import { adapter, Inputs, trainingStep, WIDTH } from './training-step.ts';

/** 4 as on SwiftShader, 8 as on lavapipe, 32 as on most GPUs; 0 is an adapter without subgroups. */
const LANES = [4, 8, 32, 0];

const tunings = PROFILES.flatMap((profile) =>
  LANES.map((subgroupSize): readonly [string, number, DryTraits] => [profile, subgroupSize, { profile, subgroupSize }]),
);

/** Findings by all that decides them: two tunings often share kernels, and inputs are those of one seed. */
const checked = new Map<string, readonly string[]>();

/** Records a program on a device of the given tuning, and runs it on the emulator. */
function findings(
  { profile, subgroupSize }: DryTraits,
  record: (inputs: Inputs, session: Session) => void,
  edit: (source: string) => string = (source) => source,
): readonly string[] {
  const inputs = new Inputs(new Recorder(drySession({ profile, subgroupSize }), 'races'));
  record(inputs, inputs.rec.session);
  const program = inputs.rec.finish();
  const codes = program.commands.flatMap((c) =>
    c.type === 'dispatch' ? [edit(c.kernel.code), c.groups, c.params, c.tensors.map((t) => [t.offset, t.bytes])] : [],
  );
  const lanes = codes.some((code) => String(code).includes('subgroup')) ? subgroupSize || 8 : 8;
  const key = JSON.stringify([lanes, ...codes]);
  const known = checked.get(key) ?? checkProgram(program, inputs.list, { subgroupSize: lanes, edit }).findings;
  checked.set(key, known);
  return known;
}

describe.each(tunings)(
  'kernels of profile %s, %i lanes, have no race, no stray index and no undefined read',
  (_, __, traits) => {
    test('in a training step', () => {
      const found = findings(traits, trainingStep);
      expect(found).toEqual([]);
    });

    test('in products of one row, of odd sizes, and of sums split in parts', () => {
      const found = findings(traits, (inputs) => {
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
      expect(found).toEqual([]);
    });

    test('in quantising, and in products with quantised weights', () => {
      const found = findings(traits, (inputs) => {
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
      expect(found).toEqual([]);
    });

    test('in the optimizer and the merge', () => {
      const found = findings(traits, (inputs) => {
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
      expect(found).toEqual([]);
    });

    test('in drawing a token', () => {
      const found = findings(traits, (inputs, device) => {
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
      expect(found).toEqual([]);
    });
  },
);

/** Of a vocabulary that is worth more invocations than a subgroup has. */
const LONG = 4100;

// In all profiles for GPUs it is the same 256 invocations, which know of no subgroups: once is enough.
test('kernels that share a long row of logits have no race, no stray index and no undefined read', () => {
  const found = findings({ profile: 'shared', subgroupSize: 8 }, (inputs, device) => {
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
  expect(found).toEqual([]);
});

test('with the barriers taken out of the kernels the emulator finds races', () => {
  const found = findings({ profile: 'shared', subgroupSize: 0 }, trainingStep, (source) =>
    source.replaceAll('workgroupBarrier();', ''),
  );
  for (const kernel of ['rms-norm', 'attention/forward', 'matmul'])
    expect(
      found.filter((f) => f.startsWith(`race in ${kernel}`)),
      kernel,
    ).not.toEqual([]);
});
