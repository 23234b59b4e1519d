/** Opens both sides on one adapter and runs the contests; where it runs is the caller's business. */
import { openGpu } from '../src/gpu/device.ts';
import { Session } from '../src/gpu/recorder.ts';
import type { Profile } from '../src/gpu/tuning.ts';
import { race, type Limits, type Row } from './contest.ts';
import { contests } from './contests/all.ts';
import { openJax } from './peers/jax.ts';
import { openTfjs } from './peers/tfjs.ts';

export interface Bench {
  readonly session: Session;
  /** Whether the adapter computes in f16. */
  readonly f16: boolean;
}

export interface RunOptions extends Limits {
  /** Regular expression on the contest's name. */
  readonly only: string;
  /** Regular expression on the rival's. */
  readonly against: string;
  /** Our kernels' tuning; default: what such an adapter usually gets. */
  readonly profile?: Profile;
  /** Dawn's, for all sides. */
  readonly toggles: readonly string[];
}

export async function runContests(
  gpu: GPU,
  place: string,
  { only, against, profile, ...limits }: Omit<RunOptions, 'toggles'>,
  show: (row: Row) => void,
): Promise<void> {
  await openJax();
  await openTfjs();
  const device = await openGpu(gpu, { onError: console.error });
  const session = new Session(profile ? { ...device, profile } : device);
  const rival = new RegExp(against);
  for (const contest of contests({ session, f16: device.features.f16 })) {
    if (!new RegExp(only).test(contest.name)) continue;
    const rivals = Object.fromEntries(Object.entries(contest.rivals).filter(([name]) => rival.test(name)));
    for await (const row of race({ ...contest, rivals }, `${device.name}${place}`, limits)) show(row);
  }
}
