/** jax-js 0.1.25, the nearest peer that differentiates on WebGPU. Its arrays are consumed by what uses them: `.ref` keeps one. */
import { blockUntilReady, defaultDevice, init, numpy as np, tree, type JsTree } from '@jax-js/jax';
import type { Side } from '../contest.ts';
import { joined } from '../numbers.ts';

export const JAX = 'jax-js 0.1.25';

/** Must run before the first contest, with `navigator.gpu` in place. */
export async function openJax(): Promise<void> {
  const devices = await init('webgpu');
  if (!devices.includes('webgpu')) throw new Error('jax-js finds no WebGPU device');
  defaultDevice('webgpu');
}

export const jaxArray = (values: Float32Array<ArrayBuffer>, ...shape: number[]): np.Array =>
  np.array(values).reshape(shape);

/** `run` gives what is compared; `held` are the arrays to let go of at the end. */
export async function jaxSide(run: () => np.Array[], held: JsTree<np.Array>): Promise<Side> {
  await blockUntilReady(held);
  return {
    async once() {
      const out = run();
      await blockUntilReady(out);
      tree.dispose(out);
    },
    async result() {
      const parts: Float32Array[] = [];
      for (const array of run()) parts.push((await array.data()) as Float32Array);
      return joined(parts);
    },
    dispose: () => tree.dispose(held),
  };
}
