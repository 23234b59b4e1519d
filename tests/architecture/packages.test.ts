/** What comes from outside is pinned, and few packages may run something when they are installed. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

interface Locked {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly hasInstallScript?: boolean;
  readonly dev?: boolean;
  readonly link?: boolean;
}

const read = (file: string) => JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
const own = read('package.json') as Record<'dependencies' | 'devDependencies', Record<string, string>>;
const { packages, lockfileVersion } = read('package-lock.json') as {
  packages: Record<
    string,
    Locked & { dependencies?: Record<string, string>; devDependencies?: Record<string, string> }
  >;
  lockfileVersion: number;
};
/** Folders of ours that name packages of their own: binaries of llama.cpp by platform, which an install may leave out. */
const FOLDERS: Readonly<Record<string, string>> = { 'llama-cpp': 'tools/llama.cpp' };
const ours = new Set(['', ...Object.entries(FOLDERS).flatMap(([name, folder]) => [folder, `node_modules/${name}`])]);
const locked = Object.entries(packages).filter(([path]) => !ours.has(path));

/** Packages that run a script when they are installed, and why they need it (docs/security.md says the same). */
const SCRIPTS: Readonly<Record<string, string>> = {
  esbuild: 'puts its program in place, for tsx',
  webgpu: 'puts Dawn’s library in place, for Node',
};

test('our packages are asked for by exact versions, and the lock file agrees', () => {
  const asked = { ...own.dependencies, ...own.devDependencies };
  expect({ ...packages['']!.dependencies, ...packages['']!.devDependencies }).toEqual(asked);
  const wanted = { ...asked };
  for (const [name, folder] of Object.entries(FOLDERS)) {
    expect(wanted[name]).toBe(`file:${folder}`);
    delete wanted[name];
    const { scripts, optionalDependencies = {} } = read(`${folder}/package.json`) as {
      scripts?: object;
      optionalDependencies?: Record<string, string>;
    };
    expect(scripts).toBeUndefined();
    Object.assign(wanted, optionalDependencies);
  }
  const loose = Object.entries(wanted).filter(([, version]) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version));
  expect(loose).toEqual([]);
  expect(lockfileVersion).toBe(3);
  for (const [name, version] of Object.entries(wanted))
    expect(packages[`node_modules/${name}`]?.version, name).toBe(version);
});

test('every package that is locked has a hash, and none names a place of its own', () => {
  expect(locked.length).toBeGreaterThan(100);
  expect(locked.filter(([, { integrity }]) => !/^sha512-[\w+/]{86}==$/.test(integrity ?? ''))).toEqual([]);
  expect(locked.filter(([, { resolved, link }]) => resolved !== undefined || link)).toEqual([]);
});

test('only known packages run a script when they are installed, none of them in the product', () => {
  const running = locked.filter(([, { hasInstallScript }]) => hasInstallScript);
  const names = running.map(([path]) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length));
  expect(names.toSorted()).toEqual(Object.keys(SCRIPTS).toSorted());
  expect(running.filter(([, { dev }]) => !dev)).toEqual([]);
  const told = readFileSync('docs/security.md', 'utf8');
  for (const name of names) expect(told).toContain(`\`${name}\``);
});

test('every test that docs/security.md names is there', () => {
  const told = readFileSync('docs/security.md', 'utf8');
  const named = [...told.matchAll(/\[([\w/.-]+\.(?:test|spec)\.ts)\]\(\.\.\/([\w/.-]+)\)/g)];
  expect(named.length).toBeGreaterThan(15);
  for (const [, shown, path] of named) {
    expect(path!.endsWith(shown!), path).toBe(true);
    expect(() => readFileSync(path!), path).not.toThrow();
  }
});
