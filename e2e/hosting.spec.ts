/** The build from other hosts than `npm start`: below a folder of a plain file server, and packed, as one command. */
import { execFile, spawn } from 'node:child_process';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@playwright/test';
import { bareServer } from './harness/bare-server.ts';
import { goTo } from './harness/ways.ts';

const run = promisify(execFile);
const PACKED = '.cache/packed';

test('below a folder of a server that sends no headers, the studio opens, answers and works offline', async ({
  page,
}) => {
  const server = await bareServer('/apps/ground work/');
  const failed: string[] = [];
  page.on('response', (response) => void (response.status() >= 400 && failed.push(response.url())));
  await page.goto(server.url);
  await page.getByRole('button', { name: 'Start with the sample' }).click();
  await expect(page.getByRole('option', { selected: true })).toBeVisible();
  await expect(page.getByRole('link', { name: /^Model .*parameters/ })).toBeVisible({ timeout: 300_000 });
  await expect
    .poll(() =>
      page.evaluate(
        async () =>
          (await caches.match('./starter/sample.zip', { ignoreVary: true, ignoreSearch: true })) !== undefined,
      ),
    )
    .toBe(true);
  expect(failed).toEqual([]);
  server.close();
  await page.reload();
  await goTo(page, 'Recipe');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Recipe');
});

test('packed, the built studio is served by one command, and can be installed as an app', async ({ page }) => {
  await rm(PACKED, { recursive: true, force: true });
  await mkdir(PACKED, { recursive: true });
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  // Without its `prepack`: what is packed is the build that all stories run on.
  const packing = await run(npm, ['pack', '--ignore-scripts', '--json', '--pack-destination', PACKED]);
  const [{ filename, version }] = JSON.parse(packing.stdout) as [{ filename: string; version: string }];
  await run('tar', ['-xzf', filename], { cwd: PACKED });
  const app = join(PACKED, 'package');
  // The build and what serves it; no sources, and none of the packages that made it.
  expect((await readdir(app)).sort()).toEqual([
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'dist',
    'docs',
    'package.json',
    'scripts',
  ]);
  expect((await readdir(join(app, 'dist'), { recursive: true })).filter((path) => path.endsWith('.map'))).toEqual([]);
  expect((await run(process.execPath, [join(app, 'scripts/npx.mjs'), '--version'])).stdout.trim()).toBe(version);

  const served = spawn(process.execPath, [join(app, 'scripts/npx.mjs'), '--port', '0', '--no-open']);
  try {
    const url = await new Promise<string>((found, failed) => {
      served.stdout.on('data', (text) => {
        const at = /http:\S+/.exec(String(text));
        if (at) found(at[0]);
      });
      served.stderr.on('data', (text) => failed(new Error(String(text))));
    });
    const answer = await page.goto(url);
    expect(answer!.headers()['content-security-policy']).toContain("frame-ancestors 'self'");
    await expect(page.getByRole('button', { name: 'Start with the sample' })).toBeVisible();
    await page.keyboard.press('?');
    await expect(page.getByRole('dialog', { name: 'Keys' })).toContainText(`Groundwork ${version}`);
    const devtools = await page.context().newCDPSession(page);
    const { installabilityErrors } = await devtools.send('Page.getInstallabilityErrors');
    // A test's own window is a private one, where nothing can be installed.
    expect(installabilityErrors.map(({ errorId }) => errorId).filter((id) => id !== 'in-incognito')).toEqual([]);
    // Its server answers no other name, as a site that gives its own name our address would send.
    const foreign = await page.request.get(url, { headers: { host: 'evil.example' } });
    expect(foreign.status()).toBe(403);
  } finally {
    served.kill();
  }
});
