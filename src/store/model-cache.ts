/**
 * Models fetched from a Hub, kept by id and commit: `<id>/<commit>/`, with a manifest of what belongs to it. What a
 * manifest says is only believed after the files were looked at (model-cache-file.ts).
 */
import * as v from 'valibot';
import { GroundworkError } from '../base/error.ts';
import type { FileStore, StorageSpace } from './file-store.ts';
import type { HubAddress } from './hub-address.ts';
import type { HubFile } from './hub-listing.ts';

const MANIFEST = 'groundwork-model.json';

const Manifest = v.object({
  version: v.literal(1),
  endpoint: v.string(),
  id: v.string(),
  /** As it was asked for when the commit was last found. */
  revision: v.string(),
  commit: v.string(),
  files: v.array(
    v.object({
      path: v.pipe(v.string(), v.regex(/^[\w.-]+$/)),
      size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
      sha256: v.nullable(v.string()),
      gitSha1: v.nullable(v.string()),
    }),
  ),
});
export type ModelManifest = Readonly<v.InferOutput<typeof Manifest>>;

export interface CachedModel {
  /** Names it in requests. */
  readonly key: string;
  readonly id: string;
  readonly revision: string;
  readonly commit: string;
  readonly endpoint: string;
  /** Bytes on disk. */
  readonly bytes: number;
  /** Bytes when complete; null if its manifest is damaged. */
  readonly totalBytes: number | null;
  /** All files are there by name and size; their contents are compared when the model is opened. */
  readonly complete: boolean;
}

export interface CacheListing {
  readonly models: readonly CachedModel[];
  readonly space: StorageSpace | null;
}

export const modelKey = (id: string, commit: string): string => `${encodeURIComponent(id)}/${commit}`;

export class ModelCache {
  readonly files: FileStore;

  constructor(files: FileStore) {
    this.files = files;
  }

  async list(): Promise<CacheListing> {
    const sizes = new Map((await this.files.list()).map(({ path, size }) => [path, size]));
    const keys = new Set([...sizes.keys()].map((path) => path.split('/').slice(0, 2).join('/')));
    const models: CachedModel[] = [];
    for (const key of [...keys].filter((each) => each.includes('/')).sort()) {
      const bytes = [...sizes].reduce((sum, [path, size]) => sum + (path.startsWith(`${key}/`) ? size : 0), 0);
      const manifest = await this.manifest(key);
      const [id, commit] = key.split('/') as [string, string];
      models.push({
        key,
        id: manifest?.id ?? decodeURIComponent(id),
        revision: manifest?.revision ?? commit,
        commit,
        endpoint: manifest?.endpoint ?? '',
        bytes,
        totalBytes: manifest?.files.reduce((sum, { size }) => sum + size, 0) ?? null,
        complete: manifest?.files.every(({ path, size }) => sizes.get(`${key}/${path}`) === size) ?? false,
      });
    }
    return { models, space: await this.files.space() };
  }

  /** What belongs to a model; null if it is not there, or cannot be read. */
  async manifest(key: string): Promise<ModelManifest | null> {
    const text = await (await this.files.blob(`${key}/${MANIFEST}`))?.text();
    const { success, output } = v.safeParse(v.pipe(v.string(), v.parseJson(), Manifest), text);
    return success && modelKey(output.id, output.commit) === key ? output : null;
  }

  /** The latest commit that is here for an address, for when the Hub cannot be asked. */
  async lastKnown({ id, revision }: HubAddress): Promise<ModelManifest | null> {
    const { models } = await this.list();
    const found = models.find((m) => m.id === id && m.complete && (m.revision === revision || m.commit === revision));
    return found ? this.manifest(found.key) : null;
  }

  async remember(address: HubAddress, commit: string, files: readonly HubFile[]): Promise<ModelManifest> {
    const manifest: ModelManifest = { version: 1, ...address, commit, files: files.map((file) => ({ ...file })) };
    await this.files.writeText(`${modelKey(address.id, commit)}/${MANIFEST}`, JSON.stringify(manifest));
    return manifest;
  }

  /** So that the model is listed anew when it is loaded next. */
  forgetManifest(key: string): Promise<void> {
    return this.files.remove(`${key}/${MANIFEST}`);
  }

  /** Throws `cache-key` for a key that is none of ours. */
  async remove(key: string): Promise<void> {
    const [id, commit, ...rest] = key.split('/');
    if (!id || !commit || rest.length > 0 || [id, commit].some((part) => /^\.+$/.test(part)))
      throw new GroundworkError('cache-key', `“${key}” is not a downloaded model.`, 'Reload the page and try again.');
    await this.files.remove(key);
    if (!(await this.files.list()).some(({ path }) => path.startsWith(`${id}/`))) await this.files.remove(id);
  }
}
