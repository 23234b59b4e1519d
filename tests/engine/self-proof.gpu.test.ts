/** The self-proof passes on a right device, and fails where a kernel is wrong. */
import { expect, test } from 'vitest';
import { openNodeGpu } from '../../src/cli/node-gpu.ts';
import { selfProof } from '../../src/engine/device/self-proof.ts';
import { Session } from '../../src/gpu/recorder.ts';
import { PROOF_CASES, relativeError } from '../../src/ops/proof.ts';

// Only this adapter's own tunings: those of other adapters are walked by the op tests.
test('every op agrees with f64', async () => {
  const session = new Session(await openNodeGpu({ onError: (message) => expect.fail(message) }));
  const { rows } = await selfProof(session);
  expect(rows.filter(({ passed }) => !passed)).toEqual([]);
  expect(rows).toHaveLength(PROOF_CASES.length);
  // Rounding there must be: an error of exactly 0 would mean that the reference was compared with itself.
  expect(rows.every(({ error }) => error > 0)).toBe(true);
  expect(session.residentLabels).toEqual([]);
  session.destroy();
});

test('a broken shader does not pass', async () => {
  const gpu = await openNodeGpu({});
  const create = gpu.device.createShaderModule.bind(gpu.device);
  // The gated product without its gate's slope.
  gpu.device.createShaderModule = (descriptor) =>
    create({ ...descriptor, code: descriptor.code.replace(/exp\(-/g, 'exp(-1.01 * ') });
  const session = new Session(gpu);
  const { rows } = await selfProof(session);
  expect(rows.find(({ op }) => op === 'SwiGLU')).toMatchObject({ passed: false });
  expect(rows.find(({ op }) => op === 'Rotary embedding')).toMatchObject({ passed: true });
  session.destroy();
});

test('anything that is not a number fails', () => {
  expect(relativeError([1, NaN], [1, 2])).toBe(Infinity);
  expect(relativeError([1, 2.02], [1, 2])).toBeCloseTo(0.01, 9);
});
