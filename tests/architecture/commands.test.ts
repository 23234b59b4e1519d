import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

/** A house with the real scripts and pretended tools. */
let house = '';
const put = (file: string, text: string) => {
  mkdirSync(dirname(join(house, file)), { recursive: true });
  writeFileSync(join(house, file), text);
};
const lock = (packages: object) => JSON.stringify({ packages: { '': { name: 'house' }, ...packages } });
const node = (args: string[], env: Record<string, string> = {}) => {
  const run = spawnSync(process.execPath, args, { cwd: house, encoding: 'utf8', env: { ...process.env, ...env } });
  return {
    code: run.status,
    out: run.stdout,
    all: run.stdout + run.stderr,
    last: run.stdout.trimEnd().split('\n').at(-1),
  };
};

beforeEach(() => {
  house = realpathSync(mkdtempSync(join(tmpdir(), 'groundwork-commands-')));
  cpSync('scripts', join(house, 'scripts'), { recursive: true });
  put('package-lock.json', lock({}));
  put('node_modules/.package-lock.json', lock({}));
  put('src/a.ts', '');
});
afterEach(() => rmSync(house, { recursive: true, force: true }));

describe('npm test', () => {
  /** A vitest that writes the given report. */
  const vitest = (report: object | null, exitCode = 0) =>
    put(
      'node_modules/vitest/vitest.mjs',
      `import { writeFileSync } from 'node:fs';
       const file = process.argv.find((a) => a.startsWith('--outputFile.json=')).split('=')[1];
       ${report === null ? '' : `writeFileSync(file, ${JSON.stringify(JSON.stringify(report))});`}
       process.exit(${exitCode});`,
    );
  const report = (passed: number, failed = 0, skipped = 0, testResults: object[] = []) => ({
    numPassedTests: passed,
    numFailedTests: failed,
    numPendingTests: skipped,
    numTodoTests: 0,
    testResults,
  });
  const tool = (name: string, exitCode: number) => put(`node_modules/${name}/bin/${name}`, `process.exit(${exitCode})`);

  test('adds up its lanes and ends with one line', () => {
    vitest(report(7, 0, 2));
    tool('oxfmt', 0);
    const { code, last } = node(['scripts/test.mjs', 'format', 'unit']);
    expect({ code, last }).toEqual({ code: 0, last: '8 passed, 0 failed, 2 skipped' });
  });

  test('fails when a lane fails, and still runs the others', () => {
    vitest(report(7));
    tool('oxlint', 1);
    const { code, last } = node(['scripts/test.mjs', 'lint', 'unit']);
    expect({ code, last }).toEqual({ code: 1, last: '7 passed, 1 failed' });
  });

  test.each([
    ['ran no test', report(0), 0],
    ['only skipped', report(0, 0, 5), 0],
    ['wrote no report', null, 0],
    ['crashed after its tests', report(3), 1],
    ['has a file that could not be loaded', report(3, 0, 0, [{ status: 'failed', assertionResults: [] }]), 1],
  ])('fails when a lane %s', (_, written, exitCode) => {
    vitest(written, exitCode);
    const { code, last } = node(['scripts/test.mjs', 'unit']);
    expect(code).toBe(1);
    expect(last).toMatch(/^\d passed, 1 failed/);
  });

  test('knows the lanes that need no driver and no browser by one name', () => {
    vitest(report(7));
    tool('oxfmt', 0);
    tool('oxlint', 0);
    put('node_modules/typescript/bin/tsc', 'process.exit(0)');
    const { code, last, out } = node(['scripts/test.mjs', 'fast']);
    expect({ code, last }).toEqual({ code: 0, last: '10 passed, 0 failed' });
    for (const lane of ['format', 'lint', 'types', 'unit']) expect(out).toMatch(new RegExp(`^━━ ${lane} ━`, 'm'));
    const { code: refused, all } = node(['scripts/test.mjs', 'fast', '-t', 'boxes']);
    expect(refused).toBe(2);
    expect(all).toContain('name the lane it is for');
  });

  test('shows all that side-by-side lanes said, each under its name, also when one fails', () => {
    vitest(report(7));
    put(
      'node_modules/oxlint/bin/oxlint',
      'process.stdout.write("x".repeat(300_000) + "the end"); process.exitCode = 1;',
    );
    const { code, out, last } = node(['scripts/test.mjs', 'lint', 'unit']);
    expect({ code, last }).toEqual({ code: 1, last: '7 passed, 1 failed' });
    expect(/━━ lint ━+\n(x+the end)/.exec(out)?.[1]).toHaveLength(300_007);
  });

  test('says which lanes there are when it is given another', () => {
    const { code, all } = node(['scripts/test.mjs', 'matmul']);
    expect(code).toBe(2);
    expect(all).toContain('Lanes: format, lint, types, unit, kernels');
  });

  test('hands extra arguments to the lane that was named', () => {
    put('node_modules/oxlint/bin/oxlint', 'console.log(process.argv.slice(2).join(" "))');
    expect(node(['scripts/test.mjs', 'lint', '--fix']).out).toContain('--deny-warnings src scripts --fix');
  });
});

describe('a driver for Node', () => {
  test.runIf(process.platform === 'linux')('of an unknown name fails the lane, with the names there are', () => {
    const { code, all } = node(['scripts/test.mjs', 'kernels'], { GROUNDWORK_ADAPTER: 'metal' });
    expect(code).toBe(1);
    expect(all).toContain('known are default, lavapipe and swiftshader');
    expect(all).toContain('0 passed, 1 failed');
  });

  test.runIf(process.platform === 'linux')('that is not there fails the lane, with what to install', () => {
    const nowhere = { XDG_DATA_DIRS: house, XDG_DATA_HOME: house, XDG_CONFIG_DIRS: house };
    const vulkan = "import('./scripts/vulkan.mjs').then((v) => console.log(v.vulkanEnvironment('lavapipe').problem))";
    put('scripts/vulkan.mjs', readFileSync('scripts/vulkan.mjs', 'utf8').replaceAll("'/usr/", `'${house}/`));
    expect(node(['-e', vulkan], nowhere).last).toMatch(/no lavapipe driver found; it needs Mesa 24|libvulkan/);
  });
});

describe('the packages', () => {
  const stale = (wanted: object, installed: object) => {
    put('package-lock.json', lock(wanted));
    put('node_modules/.package-lock.json', lock(installed));
    return node(['-e', "import('./scripts/house.mjs').then((h) => console.log(h.staleModules()))"]).last;
  };
  const a = { 'node_modules/a': { version: '1.0.0' } };

  test('are left alone when npm installed what the lockfile names', () => expect(stale(a, a)).toBe('null'));
  test('are installed when there are none', () => {
    rmSync(join(house, 'node_modules'), { recursive: true });
    expect(node(['-e', "import('./scripts/house.mjs').then((h) => console.log(h.staleModules()))"]).last).toBe(
      'nothing is installed yet',
    );
  });
  test('are installed again when one is missing or has another version', () => {
    expect(stale(a, {})).toBe('a should be 1.0.0, is missing');
    expect(stale(a, { 'node_modules/a': { version: '0.9.0' } })).toBe('a should be 1.0.0, is 0.9.0');
  });
  test('of other platforms may be missing', () => {
    expect(stale({ 'node_modules/b': { version: '1.0.0', optional: true } }, {})).toBe('null');
  });

  test('are installed once where two commands find them missing at the same time, and again after one was killed', async () => {
    put('package-lock.json', lock({ 'node_modules/a': { version: '1.0.0' } }));
    const begin = `import { appendFileSync, rmSync } from 'node:fs';
      rmSync('node_modules', { recursive: true, force: true });
      appendFileSync('installs', '.');`;
    put('npm.js', `${begin} setTimeout(() => process.kill(process.ppid, 'SIGKILL'));`);
    const ensure = (env: NodeJS.ProcessEnv = {}) =>
      new Promise<number | null>((resolve) => {
        const script = "import('./scripts/house.mjs').then((house) => house.ensureModules())";
        const options = { cwd: house, env: { ...process.env, npm_execpath: join(house, 'npm.js'), ...env } };
        spawn(process.execPath, ['-e', script], options).on('close', resolve);
      });
    put('package.json', '{ "type": "module" }');
    expect(await ensure()).toBeNull(); // killed, its turn not ended
    put(
      'npm.js',
      `${begin} import { mkdirSync, writeFileSync } from 'node:fs';
       await new Promise((resolve) => setTimeout(resolve, 500));
       mkdirSync('node_modules');
       writeFileSync('node_modules/.package-lock.json', ${JSON.stringify(lock({ 'node_modules/a': { version: '1.0.0' } }))});`,
    );
    expect(await Promise.all([ensure(), ensure(), ensure()])).toEqual([0, 0, 0]);
    expect(readFileSync(join(house, 'installs'), 'utf8')).toBe('..');
  });
});
