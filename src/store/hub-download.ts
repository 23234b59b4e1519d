/** Brings a model from a Hub into the cache: what is there and good stays, what is missing is fetched, several parts at once. */
import { GroundworkError } from '../base/error.ts';
import type { HubAddress } from './hub-address.ts';
import { listFiles, resolveCommit, type HubFile } from './hub-listing.ts';
import type { HubRequests } from './hub-request.ts';
import { CachedFile, PART_BYTES, type Part } from './model-cache-file.ts';
import { modelKey, type ModelCache, type ModelManifest } from './model-cache.ts';

/** `checking` compares what is there, `fetching` brings what is missing, `verifying` compares whole files with the Hub's hashes. */
export type HubPhase = 'asking' | 'checking' | 'fetching' | 'verifying';

export interface DownloadProgress {
  readonly phase: HubPhase;
  /** The file at hand. */
  readonly file: string;
  /** Bytes of this phase. */
  readonly done: number;
  readonly total: number;
}

export interface DownloadOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Something the user should know, though it went well. */
  readonly onNotice?: (message: string) => void;
  readonly partBytes?: number;
}

export interface DownloadedModel {
  readonly manifest: ModelManifest;
  readonly files: readonly { readonly path: string; readonly blob: Blob }[];
}

/** Requests under way at once. */
const PARALLEL = 4;

/** Finds out what an address names now. Offline, the copy last fetched for the same address serves. */
export async function findModel(
  cache: ModelCache,
  requests: HubRequests,
  { signal, onProgress, onNotice }: DownloadOptions,
): Promise<ModelManifest> {
  const { address } = requests;
  onProgress?.({ phase: 'asking', file: address.id, done: 0, total: 0 });
  let commit: string;
  try {
    commit = await resolveCommit(requests, signal);
  } catch (error) {
    const known = await cache.lastKnown(address);
    if (!(error instanceof GroundworkError && error.code === 'hub-unreachable') || !known) throw error;
    onNotice?.(`${address.endpoint} cannot be reached. This is the ${address.id} that was downloaded before.`);
    return known;
  }
  const known = await cache.manifest(modelKey(address.id, commit));
  return cache.remember(address, commit, known?.files ?? (await listFiles(requests, commit, signal)));
}

/**
 * Every file of the model, whole and compared with the Hub's hashes.
 * @throws GroundworkError hub-*, storage-*; the signal's reason. Whatever is thrown, what was fetched is kept.
 */
export async function completeModel(
  cache: ModelCache,
  manifest: ModelManifest,
  requests: HubRequests,
  { signal, onProgress, onNotice, partBytes = PART_BYTES }: DownloadOptions,
): Promise<DownloadedModel> {
  const folder = modelKey(manifest.id, manifest.commit);
  const total = manifest.files.reduce((sum, { size }) => sum + size, 0);
  const stages: Record<HubPhase, number> = { asking: 0, checking: 0, fetching: 0, verifying: 0 };
  const counter = (phase: HubPhase, file: string) => (bytes: number) => {
    stages[phase] += bytes;
    // Whole files are compared while others are still fetched; that is told when nothing else goes on.
    if (phase !== 'verifying' || stages.fetching >= total) onProgress?.({ phase, file, done: stages[phase], total });
  };

  const files: CachedFile[] = [];
  for (const file of manifest.files)
    files.push(
      await CachedFile.open(cache.files, folder, file, {
        partBytes,
        signal,
        onChecked: counter('checking', file.path),
      }),
    );
  const damaged = files.filter((file) => file.damaged > 0);
  if (damaged.length > 0)
    onNotice?.(
      `${damaged.map(({ file }) => file.path).join(', ')} had been damaged on disk. Only the damaged parts are downloaded again.`,
    );
  await requireRoom(cache, files);
  stages.fetching = files.reduce((sum, file) => sum + file.presentBytes, 0);

  const queue: (readonly [CachedFile, Part])[] = files.flatMap((file) =>
    file.missing.map((part) => [file, part] as const),
  );
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const identity = new Map<string, string>();
  const work = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const [cached, part] = next;
      const { path } = cached.file;
      const bytes = await fetchPart(requests, manifest, cached.file, part, identity, counter('fetching', path), both);
      await cached.keep(part, bytes);
      if (cached.missing.length === 0) await cached.finish(counter('verifying', path), both);
    }
  };
  try {
    for (const file of files)
      if (file.missing.length === 0) await file.finish(counter('verifying', file.file.path), both);
    await settle(Array.from({ length: PARALLEL }, work), (error) => stop.abort(error));
  } catch (error) {
    if (error instanceof GroundworkError && error.code === 'hub-changed') {
      for (const file of files) if (!file.complete) await file.forget();
      await cache.forgetManifest(folder);
    }
    throw error;
  } finally {
    for (const file of files) await file.close();
  }
  return {
    manifest,
    files: await Promise.all(files.map(async (file) => ({ path: file.file.path, blob: await file.blob() }))),
  };
}

export const addressOf = ({ endpoint, id, revision }: ModelManifest): HubAddress => ({ endpoint, id, revision });

/** Waits for all; the first failure stops the others and is thrown when they have come to rest. */
async function settle(tasks: readonly Promise<void>[], stop: (error: unknown) => void): Promise<void> {
  let first: { readonly error: unknown } | null = null;
  await Promise.all(
    tasks.map((task) =>
      task.catch((error: unknown) => {
        first ??= { error };
        stop(error);
      }),
    ),
  );
  if (first) throw (first as { error: unknown }).error;
}

async function requireRoom(cache: ModelCache, files: readonly CachedFile[]): Promise<void> {
  const needed = files.reduce((sum, { file, presentBytes }) => sum + file.size - presentBytes, 0);
  const space = await cache.files.space();
  if (!space || space.used + needed <= space.quota) return;
  const gigabytes = (bytes: number) => `${(Math.max(0, bytes) / 1e9).toFixed(1)} GB`;
  throw new GroundworkError(
    'storage-full',
    `This model needs another ${gigabytes(needed)}, but only ${gigabytes(space.quota - space.used)} are free.`,
    'Delete a downloaded model or free disk space, then load it again. Or load the model from a folder, which needs no copy.',
  );
}

/** The bytes of one part. A connection that breaks is made anew where it broke. */
async function fetchPart(
  requests: HubRequests,
  { id, endpoint, commit }: ModelManifest,
  { path, size }: HubFile,
  { offset, length }: Part,
  identity: Map<string, string>,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const url = `${endpoint}/${id}/resolve/${commit}/${encodeURIComponent(path)}`;
  const bytes = new Uint8Array(length);
  let have = 0;
  await requests.trying(signal, async (attempt) => {
    const range = `bytes=${offset + have}-${offset + length - 1}`;
    const response = await requests.get(url, { range }, attempt);
    try {
      requireSame(response, { path, size, commit, range, identity });
      for await (const chunk of response.body!) {
        if (have + chunk.byteLength > length) throw changed(path, 'the server sent more bytes than were requested');
        bytes.set(chunk, have);
        have += chunk.byteLength;
        attempt.alive();
        onBytes(chunk.byteLength);
      }
    } catch (error) {
      void response.body?.cancel().catch(() => {});
      throw error instanceof GroundworkError ? error : requests.cut();
    }
    if (have < length) throw requests.cut();
  });
  return bytes;
}

interface Expected {
  readonly path: string;
  readonly size: number;
  readonly commit: string;
  readonly range: string;
  /** What each server said about each file before. */
  readonly identity: Map<string, string>;
}

/** All parts must be of one file: what a server says about it must not differ from answer to answer. */
function requireSame({ status, url, headers }: Response, { path, size, commit, range, identity }: Expected): void {
  const whole = range === `bytes=0-${size - 1}`;
  if (status !== 206 && !whole)
    throw new GroundworkError(
      'hub-no-ranges',
      `The server of ${path} sends whole files only.`,
      'Use another endpoint, or download the model another way and choose its folder.',
    );
  const contentRange = headers.get('content-range');
  if (contentRange !== null && contentRange !== `${range.replace('=', ' ')}/${size}`)
    throw changed(path, `${range} of ${size} was requested, but ${contentRange} came`);
  const itsCommit = headers.get('x-repo-commit');
  if (itsCommit !== null && itsCommit !== commit) throw changed(path, 'it is of another commit');
  // Tags differ between the servers that a Hub sends us to; each must keep to its own.
  const key = `${path} ${new URL(url).origin}`;
  const tag = headers.get('etag') ?? '';
  if ((identity.get(key) ?? tag) !== tag) throw changed(path, 'it is not the file that it was a moment ago');
  identity.set(key, tag);
}

const changed = (path: string, how: string) =>
  new GroundworkError(
    'hub-changed',
    `${path} changed during the download: ${how}.`,
    'The mixture was deleted. Load the model again: the download starts over.',
  );
