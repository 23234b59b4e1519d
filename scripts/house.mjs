/**
 * What every script of the house needs before anything is installed: where the root is, how to run a program, and
 * how to bring node_modules up to the lockfile. Only Node's built-in modules, here and in every .mjs beside it that
 * runs on a fresh clone.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The script behind an installed command, so that it runs under this very Node on every platform. */
export const bin = (name, path) => join(root, 'node_modules', name, path);

/**
 * Runs a program in the root with our terminal, or with `write` for what it says. SIGINT, SIGTERM and SIGHUP are handed on.
 * @returns {Promise<number>} its exit code; 128 + n when signal n ended it, 127 when it could not be started
 */
export function run(command, args, { env = {}, quiet = false, shell = false, write = undefined } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: quiet ? 'ignore' : write ? ['inherit', 'pipe', 'pipe'] : 'inherit',
      shell,
    });
    for (const stream of write ? [child.stdout, child.stderr] : []) stream.on('data', write);
    const handOn = ['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => {
      const listener = () => child.kill(signal);
      process.on(signal, listener);
      return () => process.off(signal, listener);
    });
    const settle = (code) => {
      for (const off of handOn) off();
      resolve(code);
    };
    child.once('error', (error) => {
      console.error(`${command}: ${error.message}`);
      settle(127);
    });
    // Not 'exit': what it said last is still on its way then.
    child.once('close', (code, signal) => settle(code ?? 128 + (constants.signals[signal] ?? 0)));
  });
}

/** Runs a JavaScript file under this Node. */
export const runNode = (args, options) => run(process.execPath, args, options);

/**
 * Compares the lockfile with what npm says it installed (node_modules/.package-lock.json, written last).
 * @returns {string | null} why an install is due, or null
 */
export function staleModules() {
  const installed = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return 'nothing is installed yet';
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const have = JSON.parse(readFileSync(installed, 'utf8')).packages;
  for (const [path, { version, optional }] of Object.entries(wanted)) {
    if (path === '') continue;
    const found = have[path]?.version;
    if (found === undefined && optional) continue; // for another platform
    if (found !== version) return `${path.replace('node_modules/', '')} should be ${version}, is ${found ?? 'missing'}`;
  }
  return null;
}

/** Installs what the lockfile names, if anything differs; ends the process with a reason where that fails. */
export async function ensureModules() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(`Groundwork needs Node 20.19 or newer; this is ${process.version}.`);
    process.exit(1);
  }
  if (staleModules() === null) return;
  const done = await installTurn();
  const code = await install();
  done();
  if (code !== 0) {
    console.error('\nThe packages could not be installed: npm says why above. Once they are, no network is needed.');
    process.exit(code);
  }
}

/** npm's exit code. Whoever had the turn before may have installed all of it. */
async function install() {
  const why = staleModules();
  if (why === null) return 0;
  console.log(`Installing packages (${why}) …`);
  // npm names itself to the scripts it runs; otherwise it is on the path (a .cmd file on Windows, hence the shell).
  const npm = process.env.npm_execpath;
  const args = ['ci', '--no-audit', '--no-fund'];
  return npm?.endsWith('.js') ? runNode([npm, ...args]) : run('npm', args, { shell: process.platform === 'win32' });
}

/**
 * Two commands that are started at once (a studio and its tests) would each empty node_modules under the other: one
 * waits. The sign of whose turn it is names its process, so that one which was killed holds nobody up.
 * @returns {Promise<() => void>} ends the turn
 */
async function installTurn() {
  const sign = join(tmpdir(), `groundwork-install-${createHash('sha256').update(root).digest('hex').slice(0, 16)}`);
  for (let told = false; ;) {
    try {
      writeFileSync(sign, String(process.pid), { flag: 'wx' });
      return () => rmSync(sign, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') return () => {}; // where nothing can be written, nobody can wait
    }
    if (isLeft(sign)) rmSync(sign, { force: true });
    else if (!told) {
      console.log('Another command installs the packages; waiting for it …');
      told = true;
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Whether the process that wrote the sign is gone. A sign without a name is being written, or was left so long ago. */
function isLeft(sign) {
  try {
    const pid = Number(readFileSync(sign, 'utf8'));
    if (pid === 0) return Date.now() - statSync(sign).mtimeMs > 10_000;
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}
