/** TensorFlow.js 4.22 on its WebGPU backend. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
import type { Side } from '../contest.ts';
import { joined } from '../numbers.ts';

export const TFJS = 'tfjs 4.22';

/** Must run before the first contest, with `navigator.gpu` in place. */
export async function openTfjs(): Promise<void> {
  await import('@tensorflow/tfjs-backend-webgpu');
  if (!(await tf.setBackend('webgpu'))) throw new Error('TensorFlow.js finds no WebGPU device');
  await tf.ready();
}

/** `run` gives what is compared. A tensor is waited for by reading one number that depends on it. */
export function tfjsSide(run: () => tf.Tensor[], held: readonly tf.Tensor[]): Side {
  return {
    async once() {
      const out = run();
      const words = out.map((tensor) => tf.tidy(() => tf.slice(tf.reshape(tensor, [-1]), 0, 1)));
      await Promise.all(words.map((word) => word.data()));
      tf.dispose([...out, ...words]);
    },
    async result() {
      const out = run();
      const parts = await Promise.all(out.map(async (tensor) => (await tensor.data()) as Float32Array));
      tf.dispose(out);
      return joined(parts);
    },
    dispose: () => tf.dispose([...held]),
  };
}
