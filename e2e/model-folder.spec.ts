/** A model in a folder on the user's disk is remembered by its handle, whether it was chosen or dropped. */
import { readFile } from 'node:fs/promises';
import { expect, test, type Page } from '@playwright/test';
import { fill, standInForPicker } from './harness/stand-in-folder.ts';
import { goTo } from './harness/ways.ts';

const FOLDER = 'my-model';
const FILES = ['config.json', 'model.safetensors', 'preprocessor_config.json', 'tokenizer.json', 'chat_template.jinja'];

const loaded = (page: Page) => page.getByRole('region', { name: 'Loaded model' });

/** Puts a checkpoint, the starter's, into the stand-in folder. */
const fillFolder = async (page: Page) =>
  fill(
    page,
    FOLDER,
    await Promise.all(FILES.map(async (path) => [path, await readFile(`public/starter/model/${path}`)])),
  );

test('a model’s folder is asked for once a visit, and a change of its files is told', async ({ page }) => {
  await standInForPicker(page, FOLDER);
  await page.goto('.');
  await fillFolder(page);
  await goTo(page, 'Model');
  await page
    .getByRole('group', { name: 'Drop a model folder' })
    .getByRole('button', { name: 'Choose a folder' })
    .click();
  await expect(loaded(page)).toContainText('my-model', { timeout: 120_000 });
  // The choice is saved a moment after it was made.
  await expect(page.getByRole('link', { name: /^Projects/ })).toContainText('my-model');

  await page.reload();
  const note = page.getByRole('status').filter({ hasText: 'still on your disk' });
  await expect(note).toContainText('my-model');
  await page.evaluate(async (name) => {
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle(name);
    const config = await folder.getFileHandle('config.json');
    const text = await (await config.getFile()).text();
    const file = await config.createWritable();
    await file.write(`${text}\n`);
    await file.close();
  }, FOLDER);
  await note.getByRole('button', { name: 'Open again' }).click();
  await goTo(page, 'Model');
  await expect(loaded(page)).toContainText('my-model', { timeout: 120_000 });
  await expect(page.getByRole('alert')).toContainText('not those that were loaded last time');
});

/** Drops the stand-in folder as a browser would hand it over: with a handle, or with entries only. */
const dropFolder = (page: Page, target: string, withHandle: boolean) =>
  page.evaluate(
    async ({ target, folder, withHandle }) => {
      const handle = await (await navigator.storage.getDirectory()).getDirectoryHandle(folder);
      const files: File[] = [];
      for await (const each of handle.values()) files.push(await (each as FileSystemFileHandle).getFile());
      // No script can put a folder into a DataTransfer: what the browser would offer for one stands here.
      const fileEntry = (file: File) => ({
        isFile: true,
        name: file.name,
        file: (resolve: (file: File) => void) => resolve(file),
      });
      let batches = [files.slice(0, 2), files.slice(2), []];
      const entry = {
        isFile: false,
        name: folder,
        createReader: () => ({
          readEntries: (resolve: (entries: unknown[]) => void) => {
            const [next, ...rest] = batches;
            batches = rest;
            resolve(next!.map(fileEntry));
          },
        }),
      };
      const item = {
        kind: 'file',
        webkitGetAsEntry: () => entry,
        ...(withHandle && { getAsFileSystemHandle: async () => handle }),
      };
      const drop = new DragEvent('drop', { bubbles: true, cancelable: true });
      const transfer = { items: [item], files: [], types: ['Files'] };
      Object.defineProperty(drop, 'dataTransfer', { value: transfer });
      document.querySelector(`[aria-label="${target}"]`)!.dispatchEvent(drop);
    },
    { target, folder: FOLDER, withHandle },
  );

for (const [how, target, withHandle] of [
  ['a handle, on the model’s target', 'Drop a model folder', true],
  ['entries only, on the model’s target', 'Drop a model folder', false],
  ['a handle, on the dataset’s target', 'Drop a dataset', true],
] as const)
  test(`a dropped model folder is loaded and named: ${how}`, async ({ page }) => {
    await page.goto('.');
    await fillFolder(page);
    await goTo(page, target === 'Drop a dataset' ? 'Data' : 'Model');
    await expect(page.getByRole('group', { name: target })).toBeVisible();
    await dropFolder(page, target, withHandle);
    await expect(loaded(page)).toContainText(FOLDER, { timeout: 120_000 });
    await expect(page).toHaveURL(/#\/model$/);
    await expect(page.getByRole('alert')).toHaveCount(0);
  });
