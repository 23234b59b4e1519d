/** The optimizer's step over one arena of adapters: global-norm clipping and AdamW. Compared are the parameters after all runs. */
import { jit, numpy as np } from '@jax-js/jax';
import { Recorder } from '../../src/gpu/recorder.ts';
import { adamwControl, adamwStep, CONTROL_SIZE } from '../../src/ops/adamw.ts';
import type { Bench } from '../bench.ts';
import type { Contest } from '../contest.ts';
import { numbers } from '../numbers.ts';
import { recorded } from '../ours.ts';
import { JAX, jaxArray, jaxSide } from '../peers/jax.ts';

const SETTINGS = {
  learningRate: 1e-3,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0.01,
  maxGradNorm: 1,
};

export function adamw({ session }: Bench, n: number): Contest {
  const [parameter, gradient] = [numbers(1, n), numbers(2, n, 0.01)];
  return {
    name: `AdamW with clipping, ${(n / 1e6).toFixed(1)} M parameters`,
    // Read: gradient (twice), parameter and both moments; written: the last three.
    work: (8 * 4 * n) / 1e9,
    unit: 'GB/s',
    ours: () => {
      let step = 0;
      return recorded(session, (resident) => {
        const rec = new Recorder(session, 'adamw');
        const arenas = {
          parameter: resident('parameter', [n], parameter),
          gradient: resident('gradient', [n], gradient),
          mean: resident('mean', [n]),
          square: resident('square', [n]),
          control: resident('control', [CONTROL_SIZE]),
          norm: resident('norm', [1]),
        };
        adamwStep(rec, arenas);
        return {
          program: rec.finish(),
          results: [arenas.parameter],
          prepare: () => session.write(arenas.control, adamwControl({ ...SETTINGS, step: ++step })),
        };
      });
    },
    rivals: {
      [JAX]: async () => {
        const { learningRate, beta1, beta2, epsilon, weightDecay, maxGradNorm } = SETTINGS;
        const state = { p: jaxArray(parameter, n), m: np.zeros([n]), v: np.zeros([n]) };
        const g = jaxArray(gradient, n);
        let step = 0;
        const update = jit(
          (
            p: np.Array,
            m: np.Array,
            v: np.Array,
            d: np.Array,
            corrections: np.Array,
          ): [np.Array, np.Array, np.Array] => {
            const norm = np.sqrt(d.ref.mul(d.ref).sum());
            const clipped = d.mul(np.minimum(np.reciprocal(norm.add(1e-6)).mul(maxGradNorm), 1));
            const mean = m.mul(beta1).add(clipped.ref.mul(1 - beta1));
            const square = v.mul(beta2).add(clipped.ref.mul(clipped).mul(1 - beta2));
            const [c1, c2] = np.split(corrections, 2) as [np.Array, np.Array];
            const direction = mean.ref.mul(c1).div(np.sqrt(square.ref.mul(c2)).add(epsilon));
            return [p.mul(1 - learningRate * weightDecay).sub(direction.mul(learningRate)), mean, square];
          },
        );
        const side = await jaxSide(() => [state.p.ref], g);
        return {
          ...side,
          once: async () => {
            step++;
            const corrections = np.array([1 / (1 - beta1 ** step), 1 / (1 - beta2 ** step)]);
            [state.p, state.m, state.v] = update(state.p, state.m, state.v, g.ref, corrections);
            await state.p.blockUntilReady();
          },
          dispose: () => {
            side.dispose();
            for (const array of Object.values(state)) array.dispose();
          },
        };
      },
    },
  };
}
