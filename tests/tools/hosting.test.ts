/** What docs/hosting.md tells other servers to send is what our own sends. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PAGE, policyOf, reachOf } from '../../scripts/policies.mjs';
import { serve, type Served } from '../../scripts/serve.mjs';

const FILES = '.cache/served';
let served: Served;

beforeAll(async () => {
  await mkdir(join(FILES, 'assets'), { recursive: true });
  for (const [path, text] of [
    ['index.html', '<!doctype html>'],
    ['outside.html', '<!doctype html>'],
    ['sw.js', '//'],
    ['assets/index-aa.js', '//'],
    ['assets/hub-worker-aa.js', '//'],
  ] as const)
    await writeFile(join(FILES, path), text);
  await writeFile('.cache/served-not.txt', 'not for anyone');
  served = await serve({ port: 0, outDir: FILES });
});

afterAll(async () => {
  await served.close();
  await rm(FILES, { recursive: true });
  await rm('.cache/served-not.txt');
});

/** As it is written: fetch would tidy an address, and sets the host itself. */
const ask = (path: string, { host, method = 'GET' }: { host?: string; method?: string } = {}) =>
  new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; text: string }>((done, failed) => {
    const headers = { host: host ?? `127.0.0.1:${served.port}` };
    const asked = request({ host: '127.0.0.1', port: served.port, path, method, headers }, (answer) => {
      let text = '';
      answer.on('data', (chunk) => (text += String(chunk)));
      answer.on('end', () => done({ status: answer.statusCode!, headers: answer.headers, text }));
    });
    asked.on('error', failed);
    asked.end();
  });

test.each([
  ['/', 'no-cache'],
  ['/sw.js', 'no-cache'],
  ['/outside.html', 'no-cache'],
  ['/assets/index-aa.js', 'public, max-age=31536000, immutable'],
  ['/assets/hub-worker-aa.js', 'public, max-age=31536000, immutable'],
])('%s has its policy and is cached as a build allows', async (path, caching) => {
  const { status, headers } = await ask(path);
  expect(status).toBe(200);
  expect(headers).toMatchObject({
    'content-security-policy': policyOf(path),
    'cache-control': caching,
    'x-content-type-options': 'nosniff',
  });
  expect(headers['connection-allowlist'] ?? null).toBe(reachOf(path));
  expect(headers['vary'] ?? '').not.toMatch(/origin/i);
});

test.each([
  '/../served-not.txt',
  '/..%2fserved-not.txt',
  '/%2e%2e/served-not.txt',
  '/assets/../../served-not.txt',
  '/..%5cserved-not.txt',
  '/assets/none.js',
  '//served-not.txt',
  '/%00',
  '/%',
])('%s is nothing that is served', async (path) => {
  const { status, text } = await ask(path);
  expect([400, 404]).toContain(status);
  expect(text).not.toContain('not for anyone');
});

test.each(['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', '192.168.0.7'])(
  'the name %j is not this machine',
  async (host) => {
    expect((await ask('/', { host })).status).toBe(403);
  },
);

test.each(['localhost', 'LOCALHOST:80', 'studio.localhost:4173', '127.0.0.1', '[::1]:4173'])(
  'the name %j is this machine',
  async (host) => {
    expect((await ask('/', { host })).status).toBe(200);
  },
);

test('only what reads is answered', async () => {
  expect((await ask('/', { method: 'POST' })).status).toBe(405);
  expect((await ask('/', { method: 'HEAD' })).status).toBe(200);
});

test('a taken port is told, and without a wish the next one is used', async () => {
  await expect(serve({ port: served.port, outDir: FILES })).rejects.toThrow(`Port ${served.port} is taken.`);
  const [first, second] = [await serve({ outDir: FILES }), await serve({ outDir: FILES })];
  expect(second.port).toBeGreaterThan(first.port);
  await Promise.all([first.close(), second.close()]);
});

test('the policies for other servers are those of ours', () => {
  const told = readFileSync('docs/hosting.md', 'utf8');
  for (const path of ['/', '/assets/hub-worker-aa.js', '/outside.html']) expect(told).toContain(`"${policyOf(path)}"`);
  expect(told).toContain(`"${reachOf('/')}"`);
  expect(policyOf('/')).toContain(PAGE);
});
