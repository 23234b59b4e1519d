/** The optimizer step and gradient clipping against f64. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/base/random.ts';
import { Recorder } from '../../src/gpu/recorder.ts';
import { adamwControl, adamwStep, averageStep, CONTROL_SIZE } from '../../src/ops/adamw.ts';
import { constant, expectClose, normals, run, useSession } from './harness.ts';

interface Settings {
  readonly lr: number;
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly weight_decay: number;
}

interface Step {
  readonly gradient: readonly number[];
  readonly parameter: readonly number[];
  readonly m: readonly number[];
  readonly v: readonly number[];
}

const golden = JSON.parse(readFileSync(new URL('../golden/adamw.json', import.meta.url), 'utf8')) as {
  readonly trajectories: readonly {
    readonly settings: Settings;
    readonly max_norm: number | null;
    readonly start: readonly number[];
    readonly steps: readonly Step[];
  }[];
  readonly clips: readonly {
    readonly max_norm: number;
    readonly gradients: readonly (readonly number[])[];
    readonly norm: number;
    readonly clipped: readonly (readonly number[])[];
  }[];
};

const session = useSession();

/** Runs the optimizer over given gradients; everything after each step, without the padding to fours. */
async function descend(
  start: ArrayLike<number>,
  gradients: readonly ArrayLike<number>[],
  { lr, betas, eps, weight_decay }: Settings,
  maxGradNorm = 0,
) {
  const size = Math.ceil(start.length / 4) * 4;
  const wide = (values: ArrayLike<number>) => {
    const all = new Float32Array(size);
    all.set(Array.from(values));
    return all;
  };
  const s = session();
  const zeros = () => s.resident('moment', [size]);
  const arenas = {
    parameter: s.resident('parameter', [size], 'f32', wide(start)),
    gradient: zeros(),
    mean: zeros(),
    square: zeros(),
    control: s.resident('control', [CONTROL_SIZE]),
    norm: s.resident('norm', [1]),
  };
  const rec = new Recorder(s, 'adamw');
  adamwStep(rec, arenas);
  const program = rec.finish();
  await s.kernels.ready();
  const steps = [];
  for (const [i, gradient] of gradients.entries()) {
    s.write(arenas.gradient, wide(gradient));
    s.write(
      arenas.control,
      adamwControl({
        learningRate: lr,
        beta1: betas[0],
        beta2: betas[1],
        epsilon: eps,
        weightDecay: weight_decay,
        maxGradNorm,
        step: i + 1,
      }),
    );
    program.run();
    const [parameter, mean, square, norm] = await program.read(
      arenas.parameter,
      arenas.mean,
      arenas.square,
      arenas.norm,
    );
    // Padding has no gradient and stays at zero.
    expect([...parameter!.subarray(start.length)].every((v) => v === 0)).toBe(true);
    const own = (values: Float32Array) => values.subarray(0, start.length);
    steps.push({ parameter: own(parameter!), mean: own(mean!), square: own(square!), norm: Math.sqrt(norm![0]!) });
  }
  program.destroy();
  s.release(...Object.values(arenas));
  return steps;
}

describe('AdamW', () => {
  test.each(golden.trajectories.map((t) => ({ ...t, name: JSON.stringify({ ...t.settings, max_norm: t.max_norm }) })))(
    'goes where torch.optim.AdamW goes, step by step: $name',
    async ({ settings, max_norm, start, steps }) => {
      const ours = await descend(
        start,
        steps.map((s) => s.gradient),
        settings,
        max_norm ?? 0,
      );
      expect(ours).toHaveLength(steps.length);
      steps.forEach((wanted, i) => {
        expectClose(ours[i]!.parameter, wanted.parameter, 2e-6, `parameter after step ${i + 1}`);
        expectClose(ours[i]!.mean, wanted.m, 2e-6, `first moment after step ${i + 1}`);
        expectClose(ours[i]!.square, wanted.v, 2e-6, `second moment after step ${i + 1}`);
      });
    },
  );

  test('decays weights apart from the gradient: without one they shrink by lr · decay', async () => {
    const start = [2, -3, 0.5];
    const [after] = await descend(start, [[0, 0, 0]], { lr: 0.1, betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.2 });
    expectClose(
      after!.parameter,
      start.map((v) => v * 0.98),
      1e-6,
    );
  });
});

describe('clipping', () => {
  // With β₁ = 0 the first moment is the gradient as the update sees it.
  const bare: Settings = { lr: 0, betas: [0, 0.999], eps: 1e-8, weight_decay: 0 };

  test.each(golden.clips.map((c) => ({ ...c, gradient: c.gradients.flat() })))(
    'over all tensors together is clip_grad_norm_’s: norm $norm',
    async ({ gradient, clipped, norm, max_norm }) => {
      const [after] = await descend(
        gradient.map(() => 0),
        [gradient],
        bare,
        max_norm,
      );
      expect(after!.norm).toBeCloseTo(norm, 5);
      expectClose(after!.mean, clipped.flat(), 1e-5);
    },
  );

  test('is off at a limit of zero, and the norm is still told', async () => {
    const gradient = normals(new Random(1), 9, 50);
    const [after] = await descend(
      gradient.map(() => 0),
      [gradient],
      bare,
      0,
    );
    expectClose(after!.mean, gradient, 1e-6);
    expectClose([after!.norm], [Math.hypot(...gradient)]);
  });

  test('sums over an arena of any size, and twice the same', async () => {
    const gradient = normals(new Random(2), 70_001);
    const zeros = new Float64Array(gradient.length);
    const [[once], [again]] = [await descend(zeros, [gradient], bare), await descend(zeros, [gradient], bare)];
    expectClose([once!.norm], [Math.sqrt(gradient.reduce((sum, g) => sum + g * g, 0))]);
    expect(again!.norm).toBe(once!.norm);
  });
});

test('an average follows its parameters by its rate, from wherever it stands', async () => {
  const [parameter, average] = [normals(new Random(3), 1028), normals(new Random(4), 1028)];
  const [after] = await run(session(), (rec) => {
    const kept = constant(rec, 'average', [1028], average);
    averageStep(rec, { parameter: constant(rec, 'parameter', [1028], parameter), average: kept, rate: 0.05 });
    return [kept];
  });
  expectClose(
    after!,
    average.map((v, i) => v + 0.05 * (parameter[i]! - v)),
    1e-6,
  );
});
