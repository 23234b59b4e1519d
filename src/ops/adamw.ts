/** The optimizer step: global-norm clipping and AdamW over one arena, three dispatches whatever the adapter. */
import average from '../../shaders/adamw/average.wgsl';
import normKernel from '../../shaders/adamw/norm.wgsl';
import step from '../../shaders/adamw/step.wgsl';
import { invariant } from '../base/error.ts';
import type { Recorder } from '../gpu/recorder.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { flatGroups } from './groups.ts';

export interface AdamwArenas {
  /** All [N], N a multiple of 4. */
  readonly parameter: Tensor;
  readonly gradient: Tensor;
  readonly mean: Tensor;
  readonly square: Tensor;
  /** [CONTROL_SIZE]: see `adamwControl`. */
  readonly control: Tensor;
  /** [1]: Σ gradient² before clipping, left for metrics. */
  readonly norm: Tensor;
}

/** Numbers of a step's control. */
export const CONTROL_SIZE = 10;

/** The step's numbers, `step` counting from 1. 1 − β is taken here in double: in f32, 1 − 0.999 is off by 1.3e-5. */
export function adamwControl(o: {
  learningRate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: number;
  maxGradNorm: number;
  step: number;
}): Float32Array {
  return Float32Array.of(
    o.learningRate,
    o.beta1,
    o.beta2,
    o.epsilon,
    o.weightDecay,
    1 - o.beta1 ** o.step,
    1 - o.beta2 ** o.step,
    o.maxGradNorm,
    1 - o.beta1,
    1 - o.beta2,
  );
}

const PARTIALS = 256;

export function adamwStep(rec: Recorder, { parameter, gradient, mean, square, control, norm }: AdamwArenas): void {
  const n = parameter.size;
  invariant(n % 4 === 0 && gradient.size === n, `adamw: ${n} parameters, ${gradient.size} gradients`);
  const lanes = Number(rec.session.kernels.builtins['LANES']);
  const partials = rec.empty('norm partials', [PARTIALS]);
  rec.dispatch('adamw/norm', normKernel, {
    constants: { PARTIAL: true },
    bind: { x: gradient, y: partials },
    params: { n, stride: PARTIALS * lanes },
    groups: [PARTIALS],
  });
  rec.dispatch('adamw/norm', normKernel, {
    constants: { PARTIAL: false },
    bind: { x: partials, y: norm },
    params: { n: PARTIALS, stride: lanes },
    groups: [1],
  });
  rec.dispatch('adamw/step', step, {
    bind: { control, norm, gradient, parameter, mean, square },
    params: { n4: n / 4 },
    groups: flatGroups(n / 4),
  });
}

/** average += rate · (parameter − average), both [N], N a multiple of 4. */
export function averageStep(
  rec: Recorder,
  arenas: { readonly parameter: Tensor; readonly average: Tensor; readonly rate: number },
): void {
  const { parameter, average: kept, rate } = arenas;
  const n = parameter.size;
  invariant(n % 4 === 0 && kept.size === n, `average: ${n} parameters, ${kept.size} averages`);
  rec.dispatch('adamw/average', average, {
    bind: { parameter, average: kept },
    params: { n4: n / 4, rate },
    groups: flatGroups(n / 4),
  });
}
