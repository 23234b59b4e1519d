/** The trial that chooses a tuning profile for an adapter. */
import { describe, expect, test } from 'vitest';
import { openNodeGpu } from '../../src/cli/node-gpu.ts';
import { judge, tryProfiles, winnerOf } from '../../src/ops/trial.ts';

const swift = process.env.GROUNDWORK_ADAPTER === 'swiftshader';
const SMALL = { rows: 72, width: 128, heads: 2, headDim: 32 };

test('a software adapter needs no trial', async () => {
  const gpu = await openNodeGpu();
  const device = new Proxy(gpu.device, {
    get: (_, name) => expect.fail(`the trial asked for the device's ${String(name)}`),
  });
  expect(await tryProfiles({ ...gpu, software: true, device })).toBeNull();
  gpu.destroy();
});

// lavapipe takes long to compile a profile; what differs between the drivers is not the matter here.
describe.skipIf(!swift)('a trial', () => {
  test('profiles are timed on the same work, and must give the same results', async () => {
    const gpu = await openNodeGpu({ onError: (message) => expect.fail(message) });
    const { winner, contenders } = await judge(gpu, ['software', 'registers'], SMALL);
    expect(contenders.map(({ profile }) => profile)).toEqual(['software', 'registers']);
    for (const { ms, reason } of contenders) {
      expect(ms).toBeGreaterThan(0);
      expect(reason).toBeUndefined();
    }
    expect(winner).toBe(winnerOf(contenders));
    gpu.destroy();
  });

  test('a profile whose kernels the driver refuses is out', async () => {
    // This device was not asked for subgroup matrices.
    const gpu = {
      ...(await openNodeGpu({ onError: () => {} })),
      matrix: { component: 'f32', M: 8, N: 8, K: 8 },
    } as const;
    const { winner, contenders } = await judge(gpu, ['software', 'matrix'], SMALL);
    expect(winner).toBe('software');
    expect(contenders[1]).toEqual({ profile: 'matrix', ms: null, reason: 'the graphics driver refused its kernels' });
    gpu.destroy();
  });
});

describe('the winner', () => {
  test.each([
    ['is the fastest', [10, 5, 7], 'registers'],
    ['is the usual one where another is hardly faster', [10, 9.8, 12], 'shared'],
    ['is not one that is out', [10, null, 7], 'matrix'],
    ['is the usual one where nothing else runs', [10, null, null], 'shared'],
    ['is one that runs where the usual one does not', [null, 20, 30], 'registers'],
  ] as const)('%s', (_, times, winner) => {
    const contenders = (['shared', 'registers', 'matrix'] as const).map((profile, i) => ({ profile, ms: times[i]! }));
    expect(winnerOf(contenders)).toBe(winner);
  });
});
