/** A session on a device that allocates nothing and runs nothing: programs are recorded for the emulator alone. */
import { globals } from 'webgpu';
import { DESKTOP, dryGpu } from '../../src/gpu/dry.ts';
import { Session } from '../../src/gpu/recorder.ts';
import type { Profile } from '../../src/gpu/tuning.ts';
import { withTwin } from '../ops/harness.ts';

Object.assign(globalThis, globals); // names of buffer usages

export interface DryTraits {
  readonly profile: Profile;
  /** Lanes of a subgroup; 0: the adapter has none. */
  readonly subgroupSize: number;
}

export function drySession({ profile, subgroupSize }: DryTraits): Session {
  const features = { ...DESKTOP.features, subgroups: subgroupSize > 0, f16: subgroupSize !== 4 };
  const { gpu, pieces } = withTwin(
    dryGpu({ ...DESKTOP, software: profile === 'software', profile, subgroupSize, features }).gpu,
  );
  return new Session(gpu, { ...(pieces && { pieces }) });
}
