/**
 * Merged weights written into a folder that the user chose. No test can click a system's picker: a folder of the
 * private storage stands in for the chosen one, with the same handles and the same streams.
 */
import { expect, test, type Page } from '@playwright/test';
import { engineOf, goTo } from './harness/ways.ts';

const FOLDER = 'my models';

/** The picker gives the stand-in; a zip goes the way without a picker. */
const usePicker = (page: Page) =>
  page.addInitScript((folder) => {
    Reflect.deleteProperty(window, 'showSaveFilePicker');
    Object.assign(window, {
      showDirectoryPicker: async ({ mode }: { mode: string }) => {
        if (mode !== 'readwrite') throw new Error(`asked for ${mode}`);
        return (await navigator.storage.getDirectory()).getDirectoryHandle(folder, { create: true });
      },
    });
  }, FOLDER);

/** Names and sizes of what is in a folder of the private storage. */
const listing = (page: Page, folder = FOLDER) =>
  page.evaluate(async (name) => {
    const root = await navigator.storage.getDirectory();
    const found: Record<string, number> = {};
    const directory = await root.getDirectoryHandle(name, { create: true });
    for await (const [path, handle] of directory.entries()) {
      // It may be removed while the folder is looked at.
      const file = await (handle as FileSystemFileHandle).getFile().catch(() => null);
      if (file) found[path] = file.size;
    }
    return found;
  }, folder);

const merged = (page: Page) => page.getByRole('region', { name: 'Merged weights', exact: true });
const intoFolder = (page: Page) => merged(page).getByRole('button', { name: 'Write into a folder' });

/** The disk takes its time: a fifth of a second for every piece. */
const slowDisk = (page: Page) =>
  engineOf(page).evaluate(() => {
    const { write } = FileSystemWritableFileStream.prototype;
    FileSystemWritableFileStream.prototype.write = async function (data) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      return write.call(this, data);
    };
  });

test.beforeEach(async ({ page }) => {
  await usePicker(page);
  await page.goto('.');
  await goTo(page, 'Model');
  await page.getByRole('button', { name: 'Load the starter' }).click();
  await expect(page.getByRole('region', { name: 'Loaded model' })).toBeVisible({ timeout: 120_000 });
  await goTo(page, 'Export');
});

test('a model is written and read back; a second one is refused there', async ({ page }) => {
  await intoFolder(page).click();
  await expect(merged(page)).toContainText(/my models, .* was read back: every file has the right bytes/, {
    timeout: 60_000,
  });
  const files = await listing(page);
  expect(Object.keys(files).sort()).toEqual([
    'README.md',
    'chat_template.jinja',
    'config.json',
    'generation_config.json',
    'model.safetensors',
    'preprocessor_config.json',
    'tokenizer.json',
    'tokenizer_config.json',
  ]);

  await intoFolder(page).click();
  await expect(merged(page).getByRole('alert')).toContainText('already holds a model');
  expect(await listing(page)).toEqual(files);

  // Nothing was learnt, so the weights are the starter's to the last byte.
  const same = await page.evaluate(async (name) => {
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle(name);
    const written = await (await (await folder.getFileHandle('model.safetensors')).getFile()).arrayBuffer();
    const published = await (await fetch('starter/model/model.safetensors')).arrayBuffer();
    const [a, b] = [new Uint8Array(written), new Uint8Array(published)];
    return a.length === b.length && a.every((byte, i) => byte === b[i]);
  }, FOLDER);
  expect(same).toBe(true);
});

test('Cancel half-way removes what was written', async ({ page }) => {
  await slowDisk(page);
  await intoFolder(page).click();
  await expect.poll(async () => Object.keys(await listing(page)).length).toBeGreaterThan(3);
  await merged(page).getByRole('button', { name: 'Cancel' }).click();
  await expect(intoFolder(page)).toBeEnabled();
  await expect(merged(page).getByRole('alert')).toHaveCount(0);
  await expect.poll(() => listing(page)).toEqual({});
});

/** The user's folder is there before it is chosen, and the page keeps nothing more for later: only the export writes. */
async function settled(page: Page): Promise<void> {
  await listing(page);
  const kept = () =>
    page.evaluate(() => caches.match('./starter/sample.zip', { ignoreVary: true, ignoreSearch: true }).then(Boolean));
  await expect.poll(kept).toBe(true);
}

test('a disk that fills half-way is told, and nothing is left', async ({ page }) => {
  await settled(page);
  const client = await page.context().newCDPSession(page);
  const { usage } = await page.evaluate(() => navigator.storage.estimate());
  const { origin } = new URL(page.url());
  await client.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: usage! + 2_000_000 });
  await intoFolder(page).click();
  await expect(merged(page).getByRole('alert')).toContainText('The disk was full');
  expect(await listing(page)).toEqual({});

  await client.send('Storage.overrideQuotaForOrigin', { origin });
  await intoFolder(page).click();
  await expect(merged(page)).toContainText('every file has the right bytes', { timeout: 60_000 });
});

test('a disk that was full before is told, by whatever meets it first', async ({ page }) => {
  await settled(page);
  const client = await page.context().newCDPSession(page);
  const { origin } = new URL(page.url());
  const alert = merged(page).getByRole('alert');
  await client.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1000 });
  await intoFolder(page).click();
  await expect(alert).toContainText('The disk was full');
  await alert.getByRole('button', { name: /^Dismiss/ }).click();

  // The place itself cannot be made: the error is the page's own, not the engine's.
  await page.evaluate(() =>
    Object.assign(window, {
      showDirectoryPicker: async () =>
        (await navigator.storage.getDirectory()).getDirectoryHandle('another', { create: true }),
    }),
  );
  await intoFolder(page).click();
  await expect(alert).toContainText('The disk, or the browser’s share of it, is full.');
  await expect(alert).toContainText('Free disk space');
});

test('permission taken away half-way: what could not be removed is named', async ({ page }) => {
  await engineOf(page).evaluate(() => {
    let written = 0;
    const refuse = () => Promise.reject(new DOMException('Permission was revoked.', 'NotAllowedError'));
    const { write } = FileSystemWritableFileStream.prototype;
    FileSystemWritableFileStream.prototype.write = function (data) {
      written += (data as Uint8Array).length;
      return written < 2_000_000 ? write.call(this, data) : refuse();
    };
    FileSystemDirectoryHandle.prototype.removeEntry = refuse;
  });
  await intoFolder(page).click();
  const alert = merged(page).getByRole('alert');
  await expect(alert).toContainText('no longer lets this page write to “my models” after');
  await expect(alert).toContainText('could not be removed from “my models”');
  expect(Object.keys(await listing(page))).not.toContain('config.json');
});

test('Cancel of a zip half-way leaves no file behind', async ({ page }) => {
  await page.evaluate(() => {
    const { createWritable } = FileSystemFileHandle.prototype;
    FileSystemFileHandle.prototype.createWritable = async function () {
      const inner = await createWritable.call(this);
      return new WritableStream<Uint8Array<ArrayBuffer>>({
        write: async (chunk) => {
          await new Promise((resolve) => setTimeout(resolve, 200));
          await inner.write(chunk);
        },
        close: () => inner.close(),
        abort: (reason) => inner.abort(reason),
      }) as FileSystemWritableFileStream;
    };
  });
  await merged(page).getByRole('button', { name: 'Write a zip' }).click();
  await merged(page).getByRole('button', { name: 'Cancel' }).click();
  await expect(intoFolder(page)).toBeEnabled();
  await expect(merged(page).getByRole('alert')).toHaveCount(0);
  await expect.poll(() => listing(page, 'outgoing')).toEqual({});
});
