/** After the first load the studio needs no server; a newer build is noticed and taken over. */
import { createServer, type Server } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { AddressInfo } from 'node:net';
import { expect, test, type Page } from '@playwright/test';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
};

/** dist/ by the simplest of servers. `change` is applied to what is served. */
async function serveDist(port = 0, change: (path: string, bytes: Buffer) => Buffer = (_, bytes) => bytes) {
  const server: Server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url!, 'http://x').pathname);
    const name = path.endsWith('/') ? `${path}index.html` : path;
    readFile(join('dist', name)).then(
      (bytes) => {
        response.setHeader('content-type', TYPES[extname(name)] ?? 'application/octet-stream');
        response.end(change(name, bytes));
      },
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${bound}/`,
    port: bound,
    close: () =>
      new Promise<void>((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

/** Until the page is controlled and every listed file is kept. */
const kept = (page: Page) =>
  expect
    .poll(
      () =>
        page.evaluate(
          async () =>
            navigator.serviceWorker.controller !== null &&
            (await caches.match('./starter/sample.zip', { ignoreVary: true })) !== undefined,
        ),
      { timeout: 60_000 },
    )
    .toBe(true);

test('works without its server once it was loaded', async ({ page }) => {
  const served = await serveDist();
  await page.goto(served.url);
  await kept(page);
  await served.close();
  await page.reload();
  await expect(page.getByRole('navigation', { name: 'Rooms' })).toBeVisible();
  for (const room of ['Model', 'Recipe', 'Run', 'Inspect', 'Export']) {
    await page
      .getByRole('navigation', { name: 'Rooms' })
      .getByRole('link', { name: new RegExp(`^${room}`) })
      .click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(room);
  }
  await page.getByRole('navigation', { name: 'Rooms' }).getByRole('link', { name: /^Data/ }).click();
  await page
    .getByRole('button', { name: /sample/i })
    .first()
    .click();
  await expect(page.getByRole('option', { selected: true })).toBeVisible({ timeout: 60_000 });
});

test('a newer build is used at the next load, and the page says that it is here', async ({ page }) => {
  const first = await serveDist();
  await page.goto(first.url);
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  await first.close();
  const second = await serveDist(first.port, (path, bytes) => {
    if (path === '/sw.js') return Buffer.from(bytes.toString().replace(/VERSION = '\w+'/, "VERSION = 'newer'"));
    if (path === '/index.html')
      return Buffer.from(bytes.toString().replace('<title>', '<meta name="build" content="newer"><title>'));
    return bytes;
  });
  await page.reload();
  // The new page is shown at once; the old build's worker gives way when asked.
  expect(await page.locator('meta[name=build]').getAttribute('content')).toBe('newer');
  await expect(page.getByText('A newer version of Groundwork is ready.')).toBeVisible();
  await Promise.all([page.waitForEvent('load'), page.getByRole('button', { name: 'Load it now' }).click()]);
  await expect(page.getByRole('navigation', { name: 'Rooms' })).toBeVisible();
  await expect.poll(() => page.evaluate(() => caches.keys())).toEqual(['groundwork-newer']);
  await expect(page.getByText('A newer version of Groundwork is ready.')).toHaveCount(0);
  await second.close();
});

test('only the page’s own files are kept, and nothing of another origin is touched', async ({ page }) => {
  const served = await serveDist();
  await page.goto(served.url);
  await kept(page);
  const urls = await page.evaluate(async () => {
    const [name] = await caches.keys();
    return (await (await caches.open(name!)).keys()).map(({ url }) => url);
  });
  expect(urls.length).toBeGreaterThan(10);
  expect(urls.filter((url) => !url.startsWith(served.url) || url.endsWith('.map'))).toEqual([]);
  await served.close();
});
