/** What a page around the studio, or its server, may try: frames of another origin, and files that are not for serving. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@playwright/test';

/** A page of another origin that shows the studio in a frame. */
async function neighbour(studio: string) {
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(`<!doctype html><title>Neighbour</title><iframe src="${studio}" width="900" height="600"></iframe>`);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    close: () => new Promise<void>((done) => void (server.close(() => done()), server.closeAllConnections())),
  };
}

test('the server forbids frames of other origins, and does not serve the list of source files', async ({
  page,
  baseURL,
  request,
}) => {
  const around = await neighbour(baseURL!);
  await page.goto(around.url);
  await expect.poll(() => page.frames().at(-1)!.url()).toMatch(/^chrome-error:|^about:blank/);
  await expect(page.frameLocator('iframe').getByText('Groundwork')).toHaveCount(0);
  await around.close();
  expect((await request.get('.vite/manifest.json')).status()).toBe(404);
});

test('in a frame of another origin the page refuses to work, where its server does not forbid it', async ({
  page,
  baseURL,
}) => {
  await page.route(baseURL!, async (route) => {
    const answer = await route.fetch();
    const headers = { ...answer.headers() };
    delete headers['content-security-policy']; // as a server of files has it: the page's own policy is left
    await route.fulfill({ response: answer, headers });
  });
  const around = await neighbour(baseURL!);
  await page.goto(around.url);
  const studio = page.frameLocator('iframe');
  await expect(studio.getByRole('heading', { name: 'Groundwork does not run inside another page' })).toBeVisible();
  await expect(studio.getByRole('link', { name: 'Open it in a tab of its own' })).toHaveAttribute('href', baseURL!);
  expect(page.workers()).toEqual([]);
  await around.close();
});

test('object URLs are given back: none is left of the engine, and few of the pictures', async ({ page }) => {
  await page.addInitScript(() => {
    const live = new Set<string>();
    const { createObjectURL, revokeObjectURL } = URL;
    URL.createObjectURL = (object) => {
      const url = createObjectURL.call(URL, object);
      live.add(url);
      return url;
    };
    URL.revokeObjectURL = (url) => {
      live.delete(url);
      revokeObjectURL.call(URL, url);
    };
    Object.assign(window, { liveUrls: () => live.size });
  });
  const live = () => page.evaluate(() => (window as unknown as { liveUrls(): number }).liveUrls());
  await page.goto('/');
  await expect.poll(() => page.workers().length).toBeGreaterThan(0);
  await expect.poll(live).toBe(0);
  await page
    .getByRole('button', { name: /sample/i })
    .first()
    .click();
  const row = page.getByRole('option', { selected: true });
  await expect(row).toBeVisible();
  // Every picture of the rows that were in view, each in at most three heights; opened and closed rows leave nothing.
  await row.focus();
  for (let i = 0; i < 40; i++) await page.keyboard.press('ArrowDown');
  await expect.poll(live).toBeGreaterThan(0);
  const before = await live();
  for (let i = 0; i < 5; i++) {
    await page.getByRole('button', { name: 'Edit' }).first().click();
    await expect(page.getByRole('dialog')).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(page.getByRole('dialog')).toHaveCount(0);
  }
  await expect.poll(live).toBeLessThanOrEqual(before + 1);
});
