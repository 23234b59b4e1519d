/** Answers what the page asks of the graphics device. */
import type { Session } from '../../gpu/recorder.ts';
import type { Records } from '../../store/records.ts';
import type { DeviceReport, DeviceRequest } from '../protocol/device.ts';
import type { Handlers } from '../protocol/messages.ts';
import { selfProof } from './self-proof.ts';
import { chooseProfile, deviceReport } from './tuned-gpu.ts';

export interface DeviceHost {
  readonly records: Records;
  session(): Promise<Session>;
  /** Work that must not overlap with a step. */
  aside<T>(work: () => Promise<T>): Promise<T>;
}

export function deviceDesk({ records, session, aside }: DeviceHost): Handlers<DeviceRequest> {
  const report = async (): Promise<DeviceReport> => deviceReport((await session()).gpu, records);
  return {
    device: report,
    'choose-profile': async ({ choice }) => {
      await chooseProfile(records, choice);
      return report();
    },
    'self-proof': () => aside(async () => selfProof(await session())),
  };
}
