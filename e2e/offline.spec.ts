/**
 * After the first load the studio needs no server; a newer build is noticed and taken over, and takes nothing from the
 * pages of the older one. All on the server that `npm start` has.
 */
import { expect, test, type Page } from '@playwright/test';
import { build } from 'vite';
import { serve } from '../scripts/serve.mjs';
import { goTo } from './harness/ways.ts';

const NEWER = '.cache/newer-build';

/** Until the page is controlled and every listed file is kept. */
const kept = (page: Page) =>
  expect
    .poll(
      () =>
        page.evaluate(
          async () =>
            navigator.serviceWorker.controller !== null &&
            (await caches.match('./starter/sample.zip', { ignoreVary: true, ignoreSearch: true })) !== undefined,
        ),
      { timeout: 60_000 },
    )
    .toBe(true);

test('works without its server once it was loaded', async ({ page }) => {
  const served = await serve({ port: 0 });
  await page.goto(served.url);
  await kept(page);
  await served.close();
  await page.reload();
  await expect(page.getByRole('navigation', { name: 'Rooms' })).toBeVisible();
  for (const room of ['Model', 'Recipe', 'Run', 'Inspect', 'Export']) {
    await goTo(page, room);
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(room);
  }
  await goTo(page, 'Data');
  await page
    .getByRole('button', { name: /sample/i })
    .first()
    .click();
  await expect(page.getByRole('option', { selected: true })).toBeVisible({ timeout: 60_000 });
});

test('a studio whose server and files are gone says so', async ({ page }) => {
  const served = await serve({ port: 0 });
  await page.route(/\/assets\/index-[^/]*\.js$/, (route) => route.abort());
  await page.goto(served.url);
  await expect(page.getByRole('alert')).toContainText('some of its files could not be read');
  await page.unroute(/\/assets\/index-[^/]*\.js$/);
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByRole('navigation', { name: 'Rooms' })).toBeVisible();
  await served.close();
});

test('a newer build takes over where it is asked to, and leaves other tabs the files of theirs', async ({
  context,
}) => {
  await build({
    logLevel: 'error',
    build: {
      outDir: NEWER,
      emptyOutDir: true,
      manifest: false,
      sourcemap: false,
      // Every file has another name, as after a change to what all of them import.
      rolldownOptions: {
        output: { entryFileNames: 'assets/newer-[hash].js', chunkFileNames: 'assets/newer-[name]-[hash].js' },
      },
    },
    worker: { rolldownOptions: { output: { entryFileNames: 'assets/newer-[name]-[hash].js' } } },
  });
  const first = await serve({ port: 0 });
  const [mine, other] = [await context.newPage(), await context.newPage()];
  await mine.goto(first.url);
  await kept(mine);
  await other.goto(first.url);
  await expect(other.getByRole('navigation', { name: 'Rooms' })).toBeVisible();
  await first.close();
  const second = await serve({ port: first.port, outDir: NEWER });
  const entry = (page: Page) => page.locator('script[type=module]').getAttribute('src');
  const old = await entry(other);

  await mine.reload();
  // The new page is shown at once; the old build's worker gives way when asked.
  expect(await entry(mine)).toMatch(/newer-/);
  await expect(mine.getByText('A newer version of Groundwork is ready.')).toBeVisible();
  await Promise.all([mine.waitForEvent('load'), mine.getByRole('button', { name: 'Load it now' }).click()]);
  await expect(mine.getByRole('navigation', { name: 'Rooms' })).toBeVisible();
  await expect(mine.getByText('A newer version of Groundwork is ready.')).toHaveCount(0);

  // The other tab still runs the old build: rooms that it had not opened, and an engine that has to start again.
  await goTo(other, 'Recipe');
  await expect(other.getByRole('heading', { level: 1 })).toHaveText('Recipe');
  expect(await entry(other)).toBe(old);
  const engine = other.workers().find((worker) => worker.url().startsWith('blob:'))!;
  await engine.evaluate(() => self.close()).catch(() => undefined);
  await expect.poll(() => other.workers().filter((worker) => worker !== engine).length).toBeGreaterThan(0);
  await goTo(other, 'Data');
  await other
    .getByRole('button', { name: /sample/i })
    .first()
    .click();
  await expect(other.getByRole('option', { selected: true })).toBeVisible();
  expect(await mine.evaluate(() => caches.keys())).toHaveLength(2);

  // And once it is closed, its files go.
  await other.close();
  await mine.reload();
  await expect.poll(() => mine.evaluate(() => caches.keys())).toHaveLength(1);
  await second.close();
});

test('only the page’s own files are kept, and nothing of another origin is touched', async ({ page }) => {
  const served = await serve({ port: 0 });
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
