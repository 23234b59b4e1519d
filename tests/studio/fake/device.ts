import type { DeviceReport, ProfileChoice } from '../../../src/engine/protocol/index.ts';

export const fakeDevice = (software: boolean, choice: ProfileChoice): DeviceReport => ({
  name: software ? 'SwiftShader' : 'Apple M4 Max',
  vendor: software ? 'google' : 'apple',
  software,
  features: { f16: true, subgroups: !software, timestamps: true },
  maxBindingBytes: 2 ** 31,
  tuning: {
    profile: software ? 'software' : 'matrix',
    choice,
    supported: software ? ['software', 'registers', 'shared'] : ['software', 'registers', 'shared', 'matrix'],
    trial: software
      ? null
      : [
          { profile: 'shared', ms: 4.21 },
          { profile: 'registers', ms: 5.83 },
          { profile: 'matrix', ms: 2.97 },
        ],
  },
});
