/** Opening again what a project was left with. Some of it needs a click: the browser asks before a page reads a disk. */
import type { EngineClient } from '../../engine/client.ts';
import type { DatasetRef, DatasetReport, ModelRef, SourceRef } from '../../engine/protocol/index.ts';

/** Why something cannot be opened without the user. */
export type Need = 'permission' | 'choose' | 'copy-deleted';

/** In every browser that has WebGPU; TypeScript's library does not list them yet. */
interface Asking {
  queryPermission(options: { mode: 'read' }): Promise<PermissionState>;
  requestPermission(options: { mode: 'read' }): Promise<PermissionState>;
}

const asking = (handle: FileSystemHandle): Asking => handle as unknown as Asking;

const handlesOf = (sources: readonly SourceRef[]) =>
  sources.flatMap((source) => (source.kind === 'handle' ? [source] : []));

export async function datasetNeed(ref: DatasetRef): Promise<Need | null> {
  const { sources } = ref;
  if (sources.some(({ kind }) => kind === 'once')) return 'choose';
  for (const source of sources) if (source.kind === 'opfs' && !(await isThere(source.location))) return 'copy-deleted';
  return permissionNeed(datasetFolders(ref));
}

async function permissionNeed(handles: readonly FileSystemHandle[]): Promise<Need | null> {
  for (const handle of handles)
    if ((await asking(handle).queryPermission({ mode: 'read' })) !== 'granted') return 'permission';
  return null;
}

/** Whether the browser's private storage has this folder. */
async function isThere(location: string): Promise<boolean> {
  try {
    let folder = await navigator.storage.getDirectory();
    for (const part of location.split('/')) folder = await folder.getDirectoryHandle(part);
    return true;
  } catch (error) {
    if ((error as { name?: unknown }).name === 'NotFoundError') return false;
    throw error;
  }
}

export const modelNeed = async (ref: ModelRef): Promise<Need | null> =>
  ref.kind === 'once' ? 'choose' : permissionNeed(modelFolders(ref));

/** What has to be allowed before it can be opened again. */
export const modelFolders = (ref: ModelRef): readonly FileSystemHandle[] => (ref.kind === 'folder' ? [ref.handle] : []);

export const datasetFolders = ({ sources }: DatasetRef): readonly FileSystemHandle[] =>
  handlesOf(sources).map(({ handle }) => handle);

/** In a click: asks for every folder. False: the user said no. */
export async function askPermission(handles: readonly FileSystemHandle[]): Promise<boolean> {
  for (const handle of handles)
    if ((await asking(handle).requestPermission({ mode: 'read' })) !== 'granted') return false;
  return true;
}

/** Opens a dataset from its reference, read as it was read. */
export function reopenDataset(
  client: EngineClient,
  ref: DatasetRef,
  baseUrl: string,
  project: string | null,
): Promise<DatasetReport> {
  const { name, sources, options } = ref;
  const sample = sources.some(({ kind }) => kind === 'sample');
  if (sample && sources.length === 1) return client.request({ type: 'open-sample', baseUrl, options, project });
  const orderOf = ({ added }: SourceRef) => added !== undefined && { added };
  return client.request({
    type: 'open-dataset',
    name,
    files: [],
    handles: handlesOf(sources).map((source) => ({ path: source.path, handle: source.handle, ...orderOf(source) })),
    stored: sources.flatMap((source) =>
      source.kind === 'opfs' ? [{ path: source.path, location: source.location, ...orderOf(source) }] : [],
    ),
    ...(sample && { baseUrl }),
    options,
    project,
  });
}
