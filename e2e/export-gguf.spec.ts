/** A model leaves the studio for llama.cpp: written and read back where llama.cpp serves it, refused by name elsewhere. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test, type Page } from '@playwright/test';
import { look } from './harness/look.ts';
import { fill, standInForPicker } from './harness/stand-in-folder.ts';
import { goTo } from './harness/ways.ts';

const FOLDER = 'tiny-model';

const card = (page: Page, name: string) => page.getByRole('region', { name, exact: true });

test('a model that llama.cpp serves is written in Q4_0, read back, and comes with its commands', async ({
  page,
}, info) => {
  const folder = info.outputPath('model');
  execFileSync(process.execPath, ['--import', './scripts/register.mjs', 'e2e/harness/servable-model.ts', folder]);
  await standInForPicker(page, FOLDER);
  await page.addInitScript(() => Reflect.deleteProperty(window, 'showSaveFilePicker'));
  await page.goto('.');
  await fill(
    page,
    FOLDER,
    readdirSync(folder).map((path) => [path, readFileSync(`${folder}/${path}`)]),
  );
  await goTo(page, 'Model');
  await page
    .getByRole('group', { name: 'Drop a model folder' })
    .getByRole('button', { name: 'Choose a folder' })
    .click();
  await expect(page.getByRole('region', { name: 'Loaded model' })).toContainText(FOLDER, { timeout: 120_000 });
  await goTo(page, 'Export');
  const gguf = card(page, 'GGUF for llama.cpp');
  await gguf.getByLabel('Weights of the text model').selectOption('q4_0');
  const saved = page.waitForEvent('download');
  await gguf.getByRole('button', { name: 'Write a zip' }).click();
  expect((await saved).suggestedFilename()).toBe('groundwork-gguf.zip');
  await expect(gguf).toContainText(/was read back: every file has the right bytes, and \d+ tensors/, {
    timeout: 60_000,
  });
  for (const path of ['model-q4_0.gguf', 'mmproj-f16.gguf', 'README.md']) await expect(gguf).toContainText(path);
  await gguf.getByText('llama.cpp', { exact: true }).click();
  await expect(gguf.getByRole('region', { name: 'GGUF for llama.cpp with llama.cpp' })).toContainText(
    '--image-min-tokens 8 --image-max-tokens 64',
  );
  await look(page, 'export-gguf');
});

test('the starter is refused for llama.cpp before anything is written, with every reason', async ({ page }) => {
  await page.goto('.');
  await goTo(page, 'Model');
  await page.getByRole('button', { name: 'Load the starter' }).click();
  await expect(page.getByRole('region', { name: 'Loaded model' })).toBeVisible({ timeout: 120_000 });
  await goTo(page, 'Export');
  const gguf = card(page, 'GGUF for llama.cpp');
  await expect(gguf).toContainText('fixes attention windows of 112 pixels');
  await expect(gguf).toContainText('cuts texts');
  for (const button of await gguf.getByRole('button').all()) await expect(button).toBeDisabled();
  await expect(card(page, 'Merged weights').getByRole('button').first()).toBeEnabled();
});
