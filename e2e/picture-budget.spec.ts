/** The picture budget in the product: set by keys, seen in tokens and boxes, offered for rows that are too long, kept by the run. */
import { expect, test, type Page } from '@playwright/test';
import { lora, sftStage } from '../src/train/stages/index.ts';
import { look } from './harness/look.ts';
import { goTo, runState, takePlan } from './harness/ways.ts';

const facts = (page: Page) => page.getByRole('region', { name: 'What it makes of the rows' });
/** The largest number of a fact, e.g. of tokens a row. */
async function most(page: Page, fact: string): Promise<number> {
  const words = await facts(page).locator('dt', { hasText: fact }).locator('+ dd').innerText();
  return Math.max(...(words.match(/[\d,]+/g) ?? []).map((number) => Number(number.replaceAll(',', ''))));
}
const plan = (maxLength: number) => ({
  name: 'Short rows',
  seed: 3,
  stages: [sftStage({ lora: lora(4, 8), maxSteps: 2, perDeviceTrainBatchSize: 2, maxLength })],
});

test('a budget is set by keys, and what it makes of the rows stands beside it; rows too long are offered a smaller one', async ({
  page,
}) => {
  await page.goto('/#/data');
  await page.getByRole('button', { name: 'Start with the sample' }).click();
  await expect(page.getByRole('link', { name: /^Model/ })).toContainText('parameters', { timeout: 120_000 });
  await goTo(page, 'Recipe');
  await takePlan(page, plan(0));
  await page.getByRole('tab', { name: 'Pictures' }).click();
  await expect(facts(page)).toContainText('Tokens a row');
  await expect(facts(page)).toContainText(/Smallest true box\s*[\d.]+ × [\d.]+ pixels/);
  await expect(facts(page).locator('dt', { hasText: 'Memory' }).locator('+ dd')).toHaveText(/[\d.]+ [MG]iB/);
  const [picture, row] = [await most(page, 'Tokens a picture'), await most(page, 'Tokens a row')];
  await look(page, 'pictures');

  const slider = page.getByRole('slider', { name: /^Largest picture/ });
  await slider.focus();
  await page.keyboard.press('Home');
  for (let i = 0; i < 60; i++) await page.keyboard.press('ArrowRight');
  await expect(slider).toHaveAttribute('aria-valuetext', /pixels, \d+ token/);
  await expect.poll(() => most(page, 'Tokens a picture')).toBeLessThan(picture);
  await expect.poll(() => most(page, 'Tokens a row')).toBeLessThan(row);
  const small = await most(page, 'Tokens a picture');

  await page.getByRole('tab', { name: 'As the model sees it' }).click();
  const table = page.getByRole('region', { name: 'Pictures after resizing' });
  await expect(table).toBeVisible();
  for (const cell of await table.locator('tbody td:nth-child(4)').all())
    expect(Number(await cell.innerText())).toBeLessThanOrEqual(small);
  await page.getByRole('tab', { name: 'Recipe as a file' }).click();
  await expect(page.locator('.plan-file')).toContainText('"maxPixels"');

  // Back to the checkpoint's, and a plan that leaves the longest rows out.
  await page.getByRole('tab', { name: 'Pictures' }).click();
  await page.getByRole('button', { name: 'As the checkpoint says' }).click();
  await expect.poll(() => most(page, 'Tokens a row')).toBe(row);
  await takePlan(page, plan(row - 60));
  await page.getByRole('tab', { name: 'Pictures' }).click();
  const note = page.getByRole('region', { name: 'Rows that are too long' });
  await expect(note).toContainText(`longer than ${(row - 60).toLocaleString('en')} tokens`);
  await expect(note).toContainText(/every row fits/);
  await look(page, 'pictures-long');
  await goTo(page, 'Data');
  await expect(note).toContainText('would leave');
  await look(page, 'data-long');
  await note.getByRole('button', { name: 'Make pictures smaller' }).focus();
  await page.keyboard.press('Enter');
  await expect(note).toHaveCount(0);
  await goTo(page, 'Recipe');
  await page.getByRole('tab', { name: 'Pictures' }).click();
  await expect.poll(() => most(page, 'Tokens a row')).toBeLessThan(row);

  await page.getByRole('button', { name: 'Start the run' }).click();
  await expect(runState(page)).toHaveText('Finished', { timeout: 300_000 });
  await goTo(page, 'Export');
  await page.getByText('transformers and PEFT').first().click();
  const snippet = page.getByRole('region', { name: /with transformers and PEFT/ });
  await expect(snippet).toContainText(/max_pixels=\d+/);
  expect(await snippet.innerText()).not.toContain('max_pixels=50176');
  await goTo(page, 'Try');
  await page
    .getByRole('region', { name: 'Your turn' })
    .locator('input[data-pick="file"]')
    .setInputFiles('public/icon-192.png');
  await page.getByRole('textbox', { name: 'Question' }).fill('What is it?');
  await page.getByRole('button', { name: 'Ask' }).click();
  await expect(page.getByText('Pictures as the run’s budget has them')).toBeVisible({ timeout: 120_000 });
});

test('a budget of another family is told, refused before the run, and taken out at one click', async ({ page }) => {
  await page.goto('/#/data');
  await page.getByRole('button', { name: 'Start with the sample' }).click();
  await expect(page.getByRole('link', { name: /^Model/ })).toContainText('parameters', { timeout: 120_000 });
  await goTo(page, 'Recipe');
  await takePlan(page, { ...plan(0), pictures: { longestEdge: 512, maxPixels: 12_544 } });
  await expect(page.getByText(/sets longestEdge, which this model’s family does not have/).first()).toBeVisible();
  await expect(page.getByRole('button', { name: 'Start the run' })).toBeDisabled();
  await page.getByRole('tab', { name: 'Pictures' }).click();
  await look(page, 'pictures-stray');
  await page.getByRole('button', { name: 'Take out what the family lacks' }).click();
  await expect(page.getByRole('button', { name: 'Start the run' })).toBeEnabled();
  await expect(page.getByRole('textbox', { name: 'At most, pixels' })).toHaveValue('12544');
});
