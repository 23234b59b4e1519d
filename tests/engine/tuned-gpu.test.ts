import { expect, test } from 'vitest';
import { chooseProfile, chosenProfile, tuneGpu, tuningReport } from '../../src/engine/device/tuned-gpu.ts';
import { DESKTOP, dryGpu } from '../../src/gpu/dry.ts';
import type { Records, StoredRecord } from '../../src/store/records.ts';
import { memoryStorage } from '../../src/store/storage.ts';

const software = () => dryGpu({ ...DESKTOP, software: true, subgroupSize: 8 }).gpu;
/** Nothing runs on it, so that the trial finds no profile better than the usual one. */
const hardware = () => dryGpu(DESKTOP).gpu;

test('a software adapter gets its profile without a trial', async () => {
  const { records } = memoryStorage();
  const gpu = await tuneGpu(software(), records, 'auto');
  expect(gpu.profile).toBe('software');
  expect(await records.all('tunings')).toEqual([]);
  expect(await tuningReport(gpu, records)).toEqual({
    profile: 'software',
    choice: 'auto',
    supported: ['software', 'registers', 'shared'],
    trial: null,
  });
});

test('a trial is held once per adapter and remembered', async () => {
  const { records } = memoryStorage();
  expect((await tuneGpu(hardware(), records, 'auto')).profile).toBe('shared');
  const [kept] = await records.all<StoredRecord & { trial: object }>('tunings');
  await records.put('tunings', { ...kept!, trial: { ...kept!.trial, winner: 'registers' } } as StoredRecord);
  expect((await tuneGpu(hardware(), records, 'auto')).profile).toBe('registers');
  expect((await tuneGpu({ ...hardware(), identity: 'another' }, records, 'auto')).profile).toBe('shared');
  expect(await records.all('tunings')).toHaveLength(2);
  expect((await tuningReport(hardware(), records)).trial?.map(({ profile }) => profile)).toEqual([
    'shared',
    'registers',
  ]);
});

test('a trial that never ended is not held again', async () => {
  const { records } = memoryStorage();
  let puts = 0;
  const put: Records['put'] = (...args) => (++puts === 1 ? records.put(...args) : Promise.reject(new Error('gone')));
  await expect(tuneGpu(hardware(), { ...records, put }, 'auto')).rejects.toThrow('gone');
  expect((await tuneGpu(hardware(), records, 'auto')).profile).toBe('shared');
  expect((await tuningReport(hardware(), records)).trial).toBeNull();
});

test('a profile by name needs no trial; the choice is kept', async () => {
  const { records } = memoryStorage();
  expect((await tuneGpu(hardware(), records, 'registers')).profile).toBe('registers');
  expect(await records.all('tunings')).toEqual([]);
  expect(await chosenProfile(records)).toBe('auto');
  await chooseProfile(records, 'registers');
  expect(await chosenProfile(records)).toBe('registers');
});

test('what does not exist or cannot run is refused with what can', async () => {
  const { records } = memoryStorage();
  await expect(tuneGpu(hardware(), records, 'fast')).rejects.toMatchObject({
    code: 'profile-unknown',
    hint: 'Choose one of auto, software, registers, shared.',
  });
  await expect(tuneGpu(hardware(), records, 'matrix')).rejects.toMatchObject({ code: 'profile-unsupported' });
});
