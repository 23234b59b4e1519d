/**
 * Dawn's device with the tuning profile that GROUNDWORK_PROFILE names (`auto`, `software`, `registers`, `shared`,
 * `matrix`); without it, the winner of a trial that is remembered in the user's cache folder.
 */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { tuneGpu } from '../engine/device/tuned-gpu.ts';
import type { Gpu } from '../gpu/device.ts';
import { fileRecords } from '../store/file-records.ts';
import { nodeFileStore } from './node-file-store.ts';
import { openNodeGpu, type NodeGpuOptions } from './node-gpu.ts';

export async function openTunedGpu(options: NodeGpuOptions): Promise<Gpu> {
  const records = fileRecords(nodeFileStore(join(homedir(), '.cache', 'groundwork')));
  return tuneGpu(await openNodeGpu(options), records, process.env['GROUNDWORK_PROFILE'] || 'auto');
}
