/**
 * A model named on the command line: a folder, or the id of one on a Hub, which is then fetched into a cache folder.
 * GROUNDWORK_CACHE, HF_ENDPOINT and HF_TOKEN say where to keep it, whom to ask, and as whom; `ID@REVISION` names a
 * branch, tag or commit.
 */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { HubSession } from '../engine/hub/session.ts';
import { DEFAULT_ENDPOINT, DEFAULT_REVISION, type NamedFile } from '../engine/protocol/index.ts';
import { filesUnder } from './node-files.ts';
import { nodeFileStore } from './node-file-store.ts';

export interface FoundModel {
  /** As adapters name their base. */
  readonly name: string;
  readonly files: readonly NamedFile[];
}

/** @param onNews is told of progress and notices, a line at a time */
export async function findModel(where: string, onNews: (line: string) => void): Promise<FoundModel> {
  if (existsSync(where)) return { name: basename(resolve(where)), files: await filesUnder(where) };
  const cache = process.env['GROUNDWORK_CACHE'] ?? join(homedir(), '.cache', 'groundwork', 'models');
  let told = 0;
  const session = new HubSession({
    files: nodeFileStore(cache),
    emit: (event) => {
      if (event.type === 'notice') return onNews(event.message);
      if (event.type === 'hub-trouble') {
        if (event.trouble) onNews(`${event.trouble.what} Attempt ${event.trouble.attempt} of ${event.trouble.of}.`);
        return;
      }
      const percent = event.total > 0 ? Math.floor((100 * event.done) / event.total) : 0;
      const now = performance.now();
      if (now - told < 5000 && percent < 100) return;
      told = now;
      const speed = event.bytesPerSecond === null ? '' : `, ${(event.bytesPerSecond / 1e6).toFixed(1)} MB/s`;
      onNews(`${where}: ${event.phase} ${event.file} ${percent} %${speed}`);
    },
  });
  const [id, revision = DEFAULT_REVISION] = where.split('@') as [string, string?];
  const model = await session.handle({
    type: 'hub-load',
    id,
    revision,
    endpoint: process.env['HF_ENDPOINT'] ?? DEFAULT_ENDPOINT,
    token: process.env['HF_TOKEN'] ?? null,
  });
  return { name: model.id, files: model.files };
}
