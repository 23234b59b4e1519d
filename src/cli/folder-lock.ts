/**
 * One process at a time works in a folder. The lock is a file that names its owner; it dies with the owner: one whose
 * process is gone, on this machine, is taken over, and so is one of another machine that was not renewed for a while.
 */
import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { GroundworkError } from '../base/error.ts';
import { toldByDisk } from './disk-error.ts';

interface Owner {
  readonly pid: number;
  readonly host: string;
  /** When the process began, where the system tells: its number may be given to another. */
  readonly began: string | null;
  /** Milliseconds since 1970. */
  readonly since: number;
  readonly token: string;
}

const RENEW_MS = 10_000;
/** Without a sign of life for so long, an owner on another machine counts as gone. */
const LOST_MS = 6 * RENEW_MS;
/** A lock whose owner cannot be read is being written by somebody, or is broken. */
const WRITING_MS = 5000;

/** In clock ticks since the system began (Linux); null elsewhere, or if there is no such process. */
async function beganOf(pid: number): Promise<string | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  // The second field, the program's name, may hold spaces and brackets.
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? null;
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function lives({ pid, host, began }: Owner, path: string): Promise<boolean> {
  if (host !== hostname()) return Date.now() - (await stat(path)).mtimeMs < LOST_MS;
  return runs(pid) && (began === null || began === (await beganOf(pid)));
}

const parse = (text: string): Owner | null => {
  try {
    const owner = JSON.parse(text) as Partial<Owner>;
    return Number.isSafeInteger(owner.pid) && typeof owner.host === 'string' ? (owner as Owner) : null;
  } catch {
    return null;
  }
};

/** Whether the lock that is there still holds. Throws if it is gone meanwhile. */
async function holds(path: string, text: string): Promise<boolean> {
  const owner = parse(text);
  return owner ? lives(owner, path) : Date.now() - (await stat(path)).mtimeMs < WRITING_MS;
}

/**
 * Takes the lock of a folder, which is made if need be; returns the way to let it go, which the end of the process does
 * too. Throws `folder-busy` while another process has it.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, 'lock');
  const disk = toldByDisk(folder);
  const owner: Owner = {
    pid: process.pid,
    host: hostname(),
    began: await beganOf(process.pid),
    since: Date.now(),
    token: randomUUID(),
  };
  const mine = `${path}.${owner.token}`;
  await disk(async () => {
    await mkdir(folder, { recursive: true });
    await writeFile(mine, JSON.stringify(owner));
  });
  try {
    await disk(() => claim(path, mine, folder));
  } finally {
    await rm(mine, { force: true });
  }
  const renewing = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => undefined), RENEW_MS);
  renewing.unref();
  const atExit = () => rmSync(path, { force: true });
  process.once('exit', atExit);
  return async () => {
    clearInterval(renewing);
    process.off('exit', atExit);
    await rm(path, { force: true });
  };
}

/** Gives `mine` the name `path` too; false where that name is taken: of two that come at the same time, one gets it. */
async function name(mine: string, path: string): Promise<boolean> {
  try {
    await link(mine, path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    throw Object.assign(new Error(`The lock could not be made (${code}).`), { code });
  }
}

async function claim(path: string, mine: string, folder: string): Promise<void> {
  while (!(await name(mine, path))) {
    const text = await readFile(path, 'utf8').catch(() => null);
    if (text === null) continue; // let go meanwhile
    if (await holds(path, text).catch(() => false)) throw busy(parse(text), folder);
    await takeAway(path, mine, text);
  }
}

/**
 * Removes the lock of an owner that is gone. Only who holds a lock for just that may do so, and looks again first: else
 * somebody who looked before another took over would remove the lock of the living.
 */
async function takeAway(path: string, mine: string, text: string): Promise<void> {
  const removing = `${path}.removing`;
  if (await name(mine, removing)) {
    try {
      if ((await readFile(path, 'utf8').catch(() => null)) === text) await rm(path, { force: true });
    } finally {
      await rm(removing, { force: true });
    }
    return;
  }
  // It takes a moment; who takes longer has died over it.
  const age = await stat(removing).then(
    ({ ctimeMs }) => Date.now() - ctimeMs,
    () => 0,
  );
  if (age > WRITING_MS) await rm(removing, { force: true });
  else await new Promise((resolve) => setTimeout(resolve, 5));
}

const busy = (owner: Owner | null, folder: string) =>
  new GroundworkError(
    'folder-busy',
    owner
      ? `Another process works in ${folder}: number ${owner.pid} on ${owner.host}, since ${new Date(owner.since).toISOString()}.`
      : `Another process has just begun to work in ${folder}.`,
    'Wait for its end, or choose another --out. Nothing was changed.',
  );
