/**
 * The kernel for subgroup matrices, as far as it can be proved where no adapter has them. Its arithmetic is run with a
 * twin of the builtins (tests/ops/profiles.gpu.test.ts); here Tint, Dawn's compiler, says whether it is right WGSL, on
 * Dawn's null backend, which claims every feature and computes nothing.
 */
import { create, globals } from 'webgpu';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DESKTOP, dryGpu } from '../../src/gpu/dry.ts';
import { Recorder, Session } from '../../src/gpu/recorder.ts';
import type { DType } from '../../src/gpu/tensor.ts';
import { chooseMatrixConfig, type MatrixConfig } from '../../src/gpu/tuning.ts';
import { matmulNn, matmulNt, matmulTn } from '../../src/ops/matmul.ts';

// Dawn aborts if this is collected while a device is alive.
let gpu: GPU;
let device: GPUDevice;
beforeAll(async () => {
  Object.assign(globalThis, globals);
  gpu = create(['backend=null', 'enable-dawn-features=allow_unsafe_apis']) as GPU;
  const adapter = await gpu.requestAdapter();
  const features = ['chromium-experimental-subgroup-matrix', 'subgroups', 'shader-f16'] as GPUFeatureName[];
  device = await adapter!.requestDevice({ requiredFeatures: features });
});
afterAll(() => device?.destroy());

/** Sources of the kernels that products of every kind take with such matrices. */
function kernels(matrix: MatrixConfig): string[] {
  const session = new Session(dryGpu({ ...DESKTOP, profile: 'matrix', matrix, subgroupSize: 32 }).gpu);
  const rec = new Recorder(session, 'matrices');
  const t = (shape: number[], dtype: DType = 'f32') => rec.input('t', shape, dtype);
  matmulNt(rec, t([64, 36]), t([70, 36], 'f16'), t([64, 70]));
  matmulNt(rec, t([64, 36]), t([70, 36]), t([64, 70]), {
    bias: t([70]),
    residual: t([64, 70]),
    lora: { z: t([64, 8]), b: t([70, 8]), scale: 1 },
  });
  matmulNn(rec, t([64, 20]), t([20, 68]), t([64, 68]), { accumulate: true, lora: { u: t([64, 8]), a: t([8, 68]) } });
  matmulTn(rec, t([515, 64]), t([515, 68]), t([64, 68]));
  return session.kernels.sources
    .map(({ name, source, constants }) => session.kernels.get(name, source, constants).code)
    .filter((code) => code.includes('subgroupMatrix'));
}

const complaints = async (code: string): Promise<string[]> => {
  device.pushErrorScope('validation');
  const { messages } = await device.createShaderModule({ code }).getCompilationInfo();
  const error = await device.popErrorScope();
  return [...messages.map(({ message }) => message), ...(error ? [error.message] : [])];
};

test.each([
  [{ component: 'f32', M: 8, N: 8, K: 8 }, 4],
  [{ component: 'f16', M: 16, N: 16, K: 16 }, 2],
  [{ component: 'f16', M: 8, N: 16, K: 16 }, 2],
] as const)('Tint takes the kernels for matrices of %o', async (config, count) => {
  const codes = kernels(config);
  expect(codes).toHaveLength(count);
  for (const code of codes) expect(await complaints(code)).toEqual([]);
});

test('Tint would complain of a wrong one', async () => {
  const [code] = kernels({ component: 'f32', M: 8, N: 8, K: 8 });
  expect(
    await complaints(code!.replace('subgroup_matrix_right<f32, 8, 8>', 'subgroup_matrix_right<f32, 8, 16>')),
  ).not.toEqual([]);
});

test('of the configurations that an adapter lists, the kernel takes one it can use', () => {
  const listed = (componentType: string, resultComponentType: string, M: number, N: number, K: number) => ({
    componentType,
    resultComponentType,
    M,
    N,
    K,
  });
  const apple = [listed('f32', 'f32', 8, 8, 8), listed('f16', 'f16', 8, 8, 8)];
  const nvidia = [
    listed('f16', 'f16', 16, 16, 16),
    listed('f16', 'f32', 16, 8, 16),
    listed('f16', 'f32', 16, 16, 16),
    listed('u8', 'u32', 16, 16, 32),
  ];
  expect(chooseMatrixConfig(apple, true)).toEqual({ component: 'f32', M: 8, N: 8, K: 8 });
  expect(chooseMatrixConfig(nvidia, true)).toEqual({ component: 'f16', M: 16, N: 16, K: 16 });
  expect(chooseMatrixConfig(nvidia, false)).toBeNull();
  expect(chooseMatrixConfig([listed('f16', 'f32', 12, 16, 16)], true)).toBeNull();
});
