/** Opens both sides on one adapter and runs the contests; where it runs is the caller's business. */
import { openGpu } from '../src/gpu/device.ts';
import { Session } from '../src/gpu/recorder.ts';
import type { Profile } from '../src/gpu/tuning.ts';
import { race, wallClock, type Contest, type Limits, type Row, type Stopwatch } from './contest.ts';
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
  /** A git revision whose kernels are the only rival (under Node). */
  readonly revision?: string;
}

/** What a checkout of this repository is raced by: its contests, and what opens a device for them. */
export interface Version {
  readonly name: string;
  readonly contests: typeof contests;
  readonly openGpu: typeof openGpu;
  readonly Session: typeof Session;
}

export interface Place {
  readonly gpu: GPU;
  /** Said after the adapter's name. */
  readonly name: string;
  /** Used on adapters that are a processor; on others the driver's threads do not do the work. */
  readonly stopwatch?: Stopwatch;
  /** The only rival, if there is one. */
  readonly other?: Version;
}

export async function runContests(
  { gpu, name, stopwatch = wallClock, other }: Place,
  { only, against, profile, ...limits }: Omit<RunOptions, 'toggles' | 'revision'>,
  show: (row: Row) => void,
): Promise<void> {
  const { device, raced } = await openVersion(gpu, { name: 'ours', contests, openGpu, Session }, profile);
  const theirs = other && new Map((await openVersion(gpu, other, profile)).raced.map((c) => [c.name, c]));
  if (!other) {
    await openJax();
    await openTfjs();
  }
  for (const contest of raced) {
    if (!new RegExp(only).test(contest.name)) continue;
    const rivals = other ? revisionAsRival(theirs!.get(contest.name), other.name) : named(contest.rivals, against);
    const watch = device.software ? stopwatch : wallClock;
    for await (const row of race({ ...contest, rivals }, `${device.name}${name}`, limits, watch)) show(row);
  }
}

async function openVersion(gpu: GPU, version: Version, profile: Profile | undefined) {
  const device = await version.openGpu(gpu, { onError: (message) => console.error(`${version.name}: ${message}`) });
  const session = new version.Session(profile ? { ...device, profile } : device);
  return { device, raced: version.contests({ session, f16: device.features.f16 }) };
}

const named = (rivals: Contest['rivals'], against: string): Contest['rivals'] =>
  Object.fromEntries(Object.entries(rivals).filter(([name]) => new RegExp(against).test(name)));

/** Nobody, where that revision has no such contest. */
const revisionAsRival = (contest: Contest | undefined, name: string): Contest['rivals'] =>
  contest ? { [name]: contest.ours } : {};
