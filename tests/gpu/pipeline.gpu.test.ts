/** Compiling kernels ahead of their first run: all at once, once each, in the order of who waits. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Gpu } from '../../src/gpu/device.ts';
import { warmPipelines, type Pipeline } from '../../src/gpu/pipeline.ts';
import { Recorder, type Session } from '../../src/gpu/recorder.ts';
import { openSession } from '../ops/harness.ts';

const FILL = (value: string) => `@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(1) fn main(@builtin(global_invocation_id) id: vec3<u32>) { y[id.x] = ${value}; }`;

let session: Session;

async function withCalls() {
  session = await openSession();
  const { device } = session.gpu;
  return {
    now: vi.spyOn(device, 'createComputePipeline'),
    ahead: vi.spyOn(device, 'createComputePipelineAsync'),
  };
}

afterEach(() => session.destroy());

function deferred<T>() {
  let settle!: { readonly resolve: (value: T) => void; readonly reject: (error: Error) => void };
  const promise = new Promise<T>((resolve, reject) => (settle = { resolve, reject }));
  return { promise, ...settle };
}

function fills(values: readonly string[]) {
  const rec = new Recorder(session, 'fill');
  const y = rec.output(rec.empty('y', [4]));
  for (const value of values)
    rec.dispatch(`fill ${value}`, FILL('${VALUE}'), { constants: { VALUE: value }, bind: { y }, groups: [4] });
  return { program: rec.finish(), y };
}

describe('kernels', () => {
  test('are compiled ahead, all at once and with progress, and not again when they run', async () => {
    const calls = await withCalls();
    const { program, y } = fills(['1.0', '2.0', '3.0']);
    const heard: [number, number][] = [];
    await session.kernels.ready((done, total) => heard.push([done, total]));
    expect(heard).toEqual([0, 1, 2, 3].map((done) => [done, 3]));
    program.run();
    expect([...(await program.read(y))[0]!]).toEqual([3, 3, 3, 3]);
    expect(calls.ahead).toHaveBeenCalledTimes(3);
    expect(calls.now).not.toHaveBeenCalled();
    await session.kernels.ready(() => expect.unreachable('nothing is left to compile'));
  });

  test('that are asked for ahead are begun at once, and told of when they are waited for', async () => {
    const calls = await withCalls();
    session.kernels.ahead(() => session.kernels.get('one', FILL('1.0')));
    session.kernels.get('two', FILL('2.0'));
    expect(calls.ahead).toHaveBeenCalledTimes(1);
    const heard: [number, number][] = [];
    await session.kernels.ready((done, total) => heard.push([done, total]));
    expect(heard).toEqual([0, 1, 2].map((done) => [done, 2]));
    expect(calls.ahead).toHaveBeenCalledTimes(2);
  });

  test('are seen through by the first who waits for them, and waited for by others', async () => {
    await withCalls();
    session.kernels.get('one', FILL('1.0'));
    const first = session.kernels.ready();
    await session.kernels.ready(() => expect.unreachable('another sees to them'));
    await first;
  });

  test('of one expanded source share a pipeline, whatever their names', async () => {
    const calls = await withCalls();
    const one = session.kernels.get('one', FILL('1.0'));
    const same = session.kernels.get('same', FILL('${VALUE}'), { VALUE: '1.0' });
    const other = session.kernels.get('other', FILL('${VALUE}'), { VALUE: '2.0' });
    expect(same.pipeline).toBe(one.pipeline);
    expect(other.pipeline).not.toBe(one.pipeline);
    await session.kernels.ready();
    expect(calls.ahead).toHaveBeenCalledTimes(2);
  });

  test('are compiled when they run, if nobody waited', async () => {
    const calls = await withCalls();
    const { program, y } = fills(['7.0']);
    program.run();
    expect([...(await program.read(y))[0]!]).toEqual([7, 7, 7, 7]);
    expect(calls.now).toHaveBeenCalledTimes(1);
    await session.kernels.ready();
    expect(calls.ahead).not.toHaveBeenCalled();
  });

  test('that the driver refuses are named, with its complaint', async () => {
    await withCalls();
    session.kernels.get('broken', FILL('nonsense'));
    session.kernels.ahead(() => session.kernels.get('broken ahead', FILL('nonsense of another kind')));
    await expect(session.kernels.ready()).rejects.toMatchObject({
      code: 'shader-compile',
      message: expect.stringMatching(/broken[^]*nonsense/),
    });
  });
});

describe('where a kernel is compiled when it is first used', () => {
  /** A kernel that the driver checks when told to; `used` tells where it was first used. */
  function kernel(codeLength: number) {
    const [checked, used] = [deferred<void>(), deferred<GPUDevice>()];
    const pipeline = {
      codeLength,
      compile: () => checked.promise,
      touch: async (device: GPUDevice) => used.resolve(device),
    } as unknown as Pipeline;
    return { pipeline, checked, used: used.promise };
  }
  const device = (label: string) => ({ label, destroy: vi.fn<() => void>() }) as unknown as GPUDevice;

  test('each is used as soon as it is checked, and does not wait for the others', async () => {
    const [short, long] = [kernel(10), kernel(20)];
    const gpu = { device: device('own'), compilesLate: true } as Gpu;
    const warm = warmPipelines(gpu, [short.pipeline, long.pipeline]);
    long.checked.resolve();
    expect(await long.used).toBe(gpu.device);
    short.checked.resolve();
    expect(await short.used).toBe(gpu.device);
    await warm;
  });

  test('many are shared with a second device, which is given back', async () => {
    const kernels = [60, 50, 40, 30, 20, 10].map(kernel);
    const [own, spare] = [device('own'), device('spare')];
    const gpu = { device: own, compilesLate: true, spare: async () => spare } as unknown as Gpu;
    const warm = warmPipelines(
      gpu,
      kernels.map(({ pipeline }) => pipeline),
    );
    // The own device has the two longest, and both are still being checked when the other comes.
    for (const { checked } of kernels.slice(2)) checked.resolve();
    expect(await kernels[2]!.used).toBe(spare);
    for (const { checked } of kernels) checked.resolve();
    await warm;
    expect(await kernels[0]!.used).toBe(own);
    expect(spare.destroy).toHaveBeenCalledOnce();
  });

  test('what the driver refuses is told, and the second device given back', async () => {
    const kernels = [60, 50, 40, 30, 20, 10].map(kernel);
    const spare = device('spare');
    const gpu = { device: device('own'), compilesLate: true, spare: async () => spare } as unknown as Gpu;
    const warm = warmPipelines(
      gpu,
      kernels.map(({ pipeline }) => pipeline),
    );
    kernels[5]!.checked.reject(new Error('nonsense'));
    await expect(warm).rejects.toThrow('nonsense');
    expect(spare.destroy).toHaveBeenCalledOnce();
  });
});
