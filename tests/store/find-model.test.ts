import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { findModel } from '../../src/cli/find-model.ts';
import { startHub, TOKEN, type HubServer } from './hub-server.ts';

let hub: HubServer;
let cache: string;
beforeEach(async () => {
  hub = await startHub();
  cache = mkdtempSync(join(tmpdir(), 'groundwork-cache-'));
  vi.stubEnv('HF_ENDPOINT', hub.endpoint);
  vi.stubEnv('HF_TOKEN', TOKEN);
  vi.stubEnv('GROUNDWORK_CACHE', cache);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await hub.close();
  rmSync(cache, { recursive: true, force: true });
});

test('a folder is taken as it is, under its name', async () => {
  const { name, files } = await findModel('public/starter/model/', () => {});
  expect(name).toBe('model');
  expect(files.map(({ path }) => path)).toContain('config.json');
  expect(hub.seen).toEqual([]);
});

test('an id is fetched once, with revision, token and endpoint', async () => {
  const contents = { 'config.json': new Uint8Array([123, 125]), 'model.safetensors': new Uint8Array(5000).fill(7) };
  hub.add('org/tiny', contents, { access: 'private' });
  const news: string[] = [];
  const { name, files } = await findModel('org/tiny@v1.0', (line) => news.push(line));
  expect(name).toBe('org/tiny');
  expect(files.map(({ path, file }) => [path, file.size])).toEqual([
    ['config.json', 2],
    ['model.safetensors', 5000],
  ]);
  expect(news.join('\n')).toContain('fetching model.safetensors 100 %');
  const sent = hub.sent();
  await findModel('org/tiny@v1.0', () => {});
  expect(hub.sent()).toBe(sent);
  await expect(findModel('org/tiny@v2', () => {})).rejects.toMatchObject({ code: 'hub-revision' });
});
