/**
 * An adapter with the tuning profile that suits it: the one the user chose, else the winner of a trial, which is held
 * once per adapter and remembered among the records.
 */
import { GroundworkError } from '../../base/error.ts';
import type { Gpu } from '../../gpu/device.ts';
import { candidateProfiles, isProfile, supportedProfiles, usualProfile, type Profile } from '../../gpu/tuning.ts';
import { judge, SMALL_TRIAL, tryProfiles, type Trial } from '../../ops/trial.ts';
import { textDigest } from '../../store/digest.ts';
import type { Records, StoredRecord } from '../../store/records.ts';
import type { DeviceReport, ProfileChoice, TuningReport } from '../protocol/device.ts';

/** Raised when kernels change so much that old trials say nothing. */
const TRIAL_VERSION = 1;

const CHOICE = 'choice';

interface KeptChoice extends StoredRecord {
  readonly choice: ProfileChoice;
}

interface KeptTrial extends StoredRecord {
  /** null: begun, and never ended. */
  readonly trial: Trial | null;
}

const trialId = async ({ identity }: Gpu): Promise<string> => textDigest(`${TRIAL_VERSION}\n${identity}`);

export async function chosenProfile(records: Records): Promise<ProfileChoice> {
  return (await records.get<KeptChoice>('tunings', CHOICE))?.choice ?? 'auto';
}

/** Takes effect when a device is opened next. */
export const chooseProfile = (records: Records, choice: ProfileChoice): Promise<void> =>
  records.put('tunings', { id: CHOICE, choice } as StoredRecord);

/**
 * @param choice a profile by name, or `auto`
 * @throws GroundworkError `profile-unknown` or `profile-unsupported`
 */
export async function tuneGpu(gpu: Gpu, records: Records, choice: string): Promise<Gpu> {
  if (choice === 'auto') return { ...gpu, profile: await triedProfile(gpu, records) };
  return { ...gpu, profile: requireProfile(gpu, choice) };
}

export async function deviceReport(gpu: Gpu, records: Records): Promise<DeviceReport> {
  return {
    name: gpu.name,
    vendor: gpu.vendor,
    software: gpu.software,
    features: gpu.features,
    maxBindingBytes: gpu.limits.maxStorageBufferBindingSize,
    tuning: await tuningReport(gpu, records),
  };
}

export async function tuningReport(gpu: Gpu, records: Records): Promise<TuningReport> {
  const kept = await records.get<KeptTrial>('tunings', await trialId(gpu));
  return {
    profile: gpu.profile,
    choice: await chosenProfile(records),
    supported: supportedProfiles(gpu),
    trial: kept?.trial?.contenders ?? null,
  };
}

/** Every profile that runs here, on a processor too, in a small trial; nothing is remembered. */
export function trySupported(gpu: Gpu): Promise<Trial> {
  const usual = usualProfile(gpu);
  const others = supportedProfiles(gpu).filter((profile) => profile !== usual);
  return judge(gpu, [usual, ...others], SMALL_TRIAL);
}

async function triedProfile(gpu: Gpu, records: Records): Promise<Profile> {
  const usual = usualProfile(gpu);
  if (candidateProfiles(gpu).length < 2) return usual;
  const id = await trialId(gpu);
  const kept = await records.get<KeptTrial>('tunings', id);
  if (kept) return kept.trial?.winner ?? usual;
  // A trial that took the device or the tab with it is not held a second time.
  await records.put('tunings', { id, trial: null } as StoredRecord);
  const trial = await tryProfiles(gpu);
  await records.put('tunings', { id, trial } as StoredRecord);
  return trial?.winner ?? usual;
}

function requireProfile(gpu: Gpu, name: string): Profile {
  const supported = supportedProfiles(gpu);
  const list = ['auto', ...supported].join(', ');
  if (!isProfile(name))
    throw new GroundworkError(
      'profile-unknown',
      `There is no tuning profile named “${name}”.`,
      `Choose one of ${list}.`,
    );
  if (!supported.includes(name))
    throw new GroundworkError(
      'profile-unsupported',
      `${gpu.name} cannot run the tuning profile “${name}”.`,
      `It needs subgroup matrices, an experimental feature of Chromium. Choose one of ${list}.`,
    );
  return name;
}
