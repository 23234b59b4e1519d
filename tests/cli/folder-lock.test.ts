import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockFolder } from '../../src/cli/folder-lock.ts';

let folder = '';
const children: ChildProcess[] = [];
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'groundwork-lock-'))));
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

const owner = (fields: object) =>
  writeFileSync(
    join(folder, 'lock'),
    JSON.stringify({ host: hostname(), began: null, since: 0, token: 't', ...fields }),
  );
const idle = async () => {
  const child = spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => {}, 1000)']);
  children.push(child);
  await once(child.stdout, 'data');
  return child;
};

test('a folder is locked for others until it is let go, and nothing is left behind', async () => {
  const release = await lockFolder(folder);
  await expect(lockFolder(folder)).rejects.toMatchObject({
    code: 'folder-busy',
    message: expect.stringContaining(`number ${process.pid} on ${hostname()}`) as string,
  });
  expect(readdirSync(folder)).toEqual(['lock']);
  await release();
  expect(readdirSync(folder)).toEqual([]);
  await (
    await lockFolder(folder)
  )();
});

test('of many that come at the same time one gets it', async () => {
  const tries = await Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(folder)));
  expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

test('the lock of a living process holds, and that of one that was killed is taken over', async () => {
  const child = await idle();
  owner({ pid: child.pid });
  await expect(lockFolder(folder)).rejects.toMatchObject({ code: 'folder-busy' });
  child.kill('SIGKILL');
  await once(child, 'exit');
  const release = await lockFolder(folder);
  expect(JSON.parse(readFileSync(join(folder, 'lock'), 'utf8'))).toMatchObject({ pid: process.pid });
  await release();
});

test.runIf(process.platform === 'linux')('a process that has the number of a dead owner is not the owner', async () => {
  owner({ pid: (await idle()).pid, began: '1' });
  const release = await lockFolder(folder);
  expect(JSON.parse(readFileSync(join(folder, 'lock'), 'utf8'))).toMatchObject({ pid: process.pid });
  await release();
});

test('of many that find a lock without an owner one gets it', async () => {
  const child = await idle();
  child.kill('SIGKILL');
  await once(child, 'exit');
  for (let round = 0; round < 20; round++) {
    owner({ pid: child.pid });
    const tries = await Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(folder)));
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(readdirSync(folder)).toEqual(['lock']);
  }
});

test('an owner on another machine holds it while it shows that it lives', async () => {
  owner({ pid: 1, host: 'elsewhere' });
  await expect(lockFolder(folder)).rejects.toMatchObject({ message: expect.stringContaining('elsewhere') as string });
  const longAgo = new Date(Date.now() - 120_000);
  utimesSync(join(folder, 'lock'), longAgo, longAgo);
  await (
    await lockFolder(folder)
  )();
});

test('a lock that cannot be read is given a moment, and then taken over', async () => {
  writeFileSync(join(folder, 'lock'), '{"pid":');
  await expect(lockFolder(folder)).rejects.toMatchObject({ code: 'folder-busy' });
  const before = new Date(Date.now() - 20_000);
  utimesSync(join(folder, 'lock'), before, before);
  await (
    await lockFolder(folder)
  )();
});
