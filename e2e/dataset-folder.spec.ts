/** A dataset in a folder on the user's disk is read where it lies, and remembered with what was said about it. */
import { expect, test, type Page } from '@playwright/test';
import { unzipSync } from 'fflate';
import { madeZip } from './harness/made-dataset.ts';
import { fill, standInForFilePicker, standInForPicker } from './harness/stand-in-folder.ts';

const FOLDER = 'my set';

/** The layout that the stored project has confirmed. */
const stored = (page: Page) =>
  page.evaluate(
    () =>
      new Promise<unknown>((resolve, reject) => {
        const opening = indexedDB.open('groundwork');
        opening.onerror = () => reject(opening.error!);
        opening.onsuccess = () => {
          const all = opening.result.transaction('projects').objectStore('projects').getAll();
          all.onsuccess = () => {
            opening.result.close();
            const [project] = all.result as {
              dataset: { options: { readings?: { file: string; layout: string }[] } };
            }[];
            resolve(
              project?.dataset.options.readings
                ?.map(({ file, layout }) => `${file} ${layout}`)
                .sort()
                .join(),
            );
          };
        };
      }),
  );

const names = (page: Page) =>
  page.evaluate(async () => {
    const found: string[] = [];
    for await (const name of (await navigator.storage.getDirectory()).keys()) found.push(name);
    return found;
  });

test('a folder is read in place, nothing of it is copied, and the next visit reads it as was said', async ({
  page,
}) => {
  await standInForPicker(page, FOLDER);
  await page.goto('/#/data');
  const zip = await madeZip({ rows: 8, ambiguous: true, faults: true });
  await fill(page, FOLDER, Object.entries(unzipSync(zip)));
  await expect(page.getByText('Read files where they are')).toBeVisible();
  await page.getByRole('group', { name: 'Drop a dataset' }).getByRole('button', { name: 'Choose a folder' }).click();
  await expect(page.getByText('my set, read as MGrounding / LLaVA')).toBeVisible({ timeout: 60_000 });
  await expect(page.getByRole('article', { name: 'Row row-0' }).locator('img').first()).toBeVisible();
  expect(await names(page)).not.toContain('datasets');

  const questions = page.getByRole('region', { name: 'To decide before a run' });
  await questions.getByRole('button', { name: 'Skip 3 rows' }).click();
  await expect(questions).not.toContainText('cannot be used');
  await questions.getByRole('button', { name: 'Check and confirm' }).first().click();
  await page.getByRole('radio', { name: /Pixels of the picture file/ }).check();
  const layouts = page.getByRole('group', { name: 'Layout of four numbers' });
  await layouts.getByText('corner, width, height', { exact: true }).click();
  await page.getByRole('button', { name: 'Use this reading' }).click();
  // As widths and heights most boxes would leave their pictures: that is asked about at once.
  await expect(page.getByText('as corner, width and height, because you said so')).toBeVisible();
  await expect(questions).toContainText('cannot be used');
  await layouts.getByText('two corners', { exact: true }).click();
  await page.getByRole('button', { name: 'Use this reading' }).click();
  await expect(page.getByText('as two corners, because you said so')).toBeVisible();
  // Of the two files, which come in the folder's order, one is settled.
  await expect(questions.getByRole('button', { name: 'Check and confirm' })).toHaveCount(1);
  await questions.getByRole('button', { name: 'Check and confirm' }).click();
  await page.getByRole('radio', { name: /Pixels of the picture file/ }).check();
  await page.getByRole('button', { name: /Confirm this reading|Use this reading/ }).click();
  await expect(questions).toHaveCount(0);
  await expect.poll(() => stored(page)).toBe('train.jsonl xyxy,val.jsonl xyxy');
  await page.reload();
  const note = page.getByRole('status').filter({ hasText: 'still on your disk' });
  await expect(note).toContainText('my set');
  await note.getByRole('button', { name: 'Open again' }).click();
  await expect(page.getByText('my set, read as MGrounding / LLaVA')).toBeVisible({ timeout: 60_000 });
  await expect(questions).toHaveCount(0);
  await page.getByRole('tab', { name: 'Coordinates' }).click();
  await expect(page.getByText('because you said so')).toBeVisible();
});

test('a file that was picked is opened again in the next visit, after one click, without being chosen', async ({
  page,
}) => {
  await standInForPicker(page, 'downloads');
  await standInForFilePicker(page, 'downloads', 'my scenes.zip');
  await page.goto('/#/data');
  const zip = await madeZip({ rows: 6, ambiguous: false, faults: false });
  await fill(page, 'downloads', [['my scenes.zip', zip]]);
  const drop = page.getByRole('group', { name: 'Drop a dataset' });
  await drop.getByRole('button', { name: 'Choose a file' }).click();
  await expect(page.getByText('my scenes.zip, read as')).toBeVisible({ timeout: 60_000 });
  // The handle was kept, and nothing was copied.
  expect(await names(page)).not.toContain('datasets');
  await page.reload();
  const note = page.getByRole('status').filter({ hasText: 'still on your disk' });
  await expect(note).toContainText('my scenes.zip');
  await note.getByRole('button', { name: 'Open again' }).click();
  await expect(page.getByText('my scenes.zip, read as')).toBeVisible({ timeout: 60_000 });
  await expect(note).toHaveCount(0);
});

test('where the browser has no picker that gives handles, or it forbids asking, a file is chosen the plain way', async ({
  page,
}) => {
  await page.addInitScript(() =>
    Object.assign(window, { showOpenFilePicker: () => Promise.reject(new DOMException('no', 'SecurityError')) }),
  );
  await page.goto('/#/data');
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('group', { name: 'Drop a dataset' }).getByRole('button', { name: 'Choose a file' }).click();
  const buffer = Buffer.from(await madeZip({ rows: 6, ambiguous: false, faults: false }));
  await (await chooser).setFiles({ name: 'plain.zip', mimeType: 'application/zip', buffer });
  await expect(page.getByText('plain.zip, read as')).toBeVisible({ timeout: 60_000 });
});
