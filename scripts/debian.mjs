/**
 * Installs what the tests need from Debian's archive, where this is Debian and we are root (as on CI). Everywhere
 * else these functions do nothing: a developer's machine is the developer's.
 */
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { run } from './house.mjs';

const release = () =>
  Object.fromEntries(
    (existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '')
      .split('\n')
      .map((line) => /^(\w+)="?([^"]*)"?$/.exec(line)?.slice(1) ?? []),
  );

export const mayInstall = () => release().ID === 'debian' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');

const noninteractive = { DEBIAN_FRONTEND: 'noninteractive' };

let updated = false;
async function update() {
  if (updated) return;
  updated = true;
  // A source that cannot be reached is no reason to stop: what matters is whether the install below succeeds.
  await run('apt-get', ['update', '-qq'], { env: noninteractive });
}

/** @returns {Promise<boolean>} whether apt installed the packages */
export async function aptInstall(packages, { suite = null } = {}) {
  await update();
  console.log(`Installing ${packages.join(', ')} …`);
  const args = [
    'install',
    '-y',
    '-qq',
    '--no-install-recommends',
    '-o',
    'DPkg::Lock::Timeout=120',
    '-o',
    'Dpkg::Use-Pty=0',
  ];
  if (suite !== null) args.push('-t', suite);
  return (await run('apt-get', [...args, ...packages], { env: noninteractive })) === 0;
}

/** Fields of each source that apt already has, in either of its two formats. */
function sources() {
  const folder = '/etc/apt/sources.list.d';
  const listed = existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  return ['/etc/apt/sources.list', ...listed].filter(existsSync).flatMap((file) => {
    const text = readFileSync(file, 'utf8');
    if (file.endsWith('.sources')) {
      return text.split(/\n\s*\n/).map((stanza) => {
        const field = (name) => new RegExp(`^${name}:\\s*(.+)$`, 'im').exec(stanza)?.[1] ?? '';
        return { uri: field('URIs').split(/\s+/)[0], suites: field('Suites').split(/\s+/), key: field('Signed-By') };
      });
    }
    if (!file.endsWith('.list')) return [];
    return [...text.matchAll(/^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)/gm)].map(([, options = '', uri, suite]) => ({
      uri,
      suites: [suite],
      key: /signed-by=(\S+)/.exec(options)?.[1] ?? '',
    }));
  });
}

/** Makes CODENAME-backports known to apt, from the mirror that the machine already uses. */
function addBackports(codename) {
  const suite = `${codename}-backports`;
  const all = sources();
  if (all.some((source) => source.suites.includes(suite))) return suite;
  const main = all.find((source) => source.suites.includes(codename));
  if (main === undefined) return null;
  const lines = ['Types: deb', `URIs: ${main.uri}`, `Suites: ${suite}`, 'Components: main'];
  if (main.key !== '') lines.push(`Signed-By: ${main.key}`);
  writeFileSync('/etc/apt/sources.list.d/groundwork-backports.sources', `${lines.join('\n')}\n`);
  updated = false;
  return suite;
}

/** Major version of the Mesa that a plain install would bring; 0 if none. */
function mesaCandidate() {
  const text = execFileSync('apt-cache', ['policy', 'mesa-vulkan-drivers'], { encoding: 'utf8' });
  return Number(/Candidate:\s*(?:\d+:)?(\d+)/.exec(text)?.[1] ?? 0);
}

/** lavapipe of Mesa 24 or newer, from backports where the release is older. */
export async function installLavapipe() {
  await update();
  const packages = ['libvulkan1', 'mesa-vulkan-drivers'];
  if (mesaCandidate() >= 24) return aptInstall(packages);
  const suite = addBackports(release().VERSION_CODENAME);
  return suite !== null && aptInstall(packages, { suite });
}
