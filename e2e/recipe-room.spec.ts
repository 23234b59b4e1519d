/** The recipe room in the product: plans to start from, every setting explained, and a row as the model sees it. */
import { expect, test } from '@playwright/test';
import { PRESETS, PUBLISHED } from '../src/engine/presets.ts';
import { goTo } from './harness/ways.ts';

test('a preset is chosen with its sources; every setting of its stages is named, explained and told with defaults', async ({
  page,
}) => {
  await page.goto('/#/recipe');
  const presets = page.getByRole('group', { name: 'Presets' });
  for (const name of ['careful', 'quick', 'paper'] as const) {
    const { title, summary, unverified, recipe } = PRESETS[name];
    await presets.getByRole('button', { name: title }).click();
    await expect(presets.getByRole('button', { name: title })).toHaveAttribute('aria-pressed', 'true');
    await expect(presets).toContainText(summary);
    await presets.getByText('Where its values come from').click();
    for (const source of unverified)
      await expect(presets.getByRole('listitem').filter({ hasText: source })).toBeVisible();
    await expect(page.locator('.stage-line')).toHaveCount(recipe.stages.length);
    await presets.getByText('Where its values come from').click();
  }
  const told: string[] = [];
  for (const [i, stage] of PRESETS.paper.recipe.stages.entries()) {
    await page.locator('.stage-line').nth(i).click();
    await expect(page.getByLabel('Name of the stage')).toHaveValue(stage.name);
    for (const more of await page.locator('.stage-editor details.more').all())
      if ((await more.getAttribute('open')) === null) await more.locator('summary').click();
    for (const field of await page.locator('.stage-editor .field').all()) {
      await expect(field.locator('.field-help')).toHaveText(/\S.{12}/);
      await expect(field.locator('.field-default')).toContainText('Default');
      const [name, defaults] = [
        await field.locator('code').innerText(),
        await field.locator('.field-default').innerText(),
      ];
      const origin = /^(TRL|PEFT) · /.exec(name)?.[1];
      // PEFT leaves the layers to the kind of model.
      if (origin && !name.endsWith('target_modules')) expect(`${name}: ${defaults}`).toContain(`${origin}: `);
      told.push(name);
    }
  }
  for (const name of [
    'PEFT · r',
    'TRL · warmup_steps',
    'TRL · beta',
    'TRL · reward_weights[1]',
    'TRL · num_generations',
  ])
    expect(told).toContain(name);
});

test('a row is shown as the model sees it: resized pictures with boxes, image tokens counted, the target marked', async ({
  page,
}) => {
  await page.goto('/#/data');
  await page.getByRole('button', { name: 'Start with the sample' }).click();
  await expect(page.getByRole('link', { name: /^Model/ })).toContainText('parameters', { timeout: 120_000 });
  await goTo(page, 'Recipe');
  await page.getByRole('tab', { name: 'As the model sees it' }).click();
  const table = page.getByRole('region', { name: 'Pictures after resizing' });
  await expect(table).toBeVisible({ timeout: 60_000 });
  const rows = await table.locator('tbody tr').all();
  let inTable = 0;
  for (const row of rows) {
    await expect(row.locator('td').nth(1)).toHaveText(/^\d+ × \d+$/);
    inTable += Number((await row.locator('td').nth(2).innerText()).replace(/\D/g, ''));
  }
  const strip = page.getByRole('group', { name: /^Pictures of row/ });
  await expect(strip.locator('img')).toHaveCount(rows.length);
  await expect(strip.locator('canvas[data-boxes]:not([data-boxes="0"])').first()).toBeVisible();
  // Drawn in the proportions that the model is given.
  const seen = (await rows[0]!.locator('td').nth(1).innerText()).split(' × ').map(Number) as [number, number];
  const drawn = (await strip.locator('img').first().boundingBox())!;
  expect(Math.abs(drawn.width / drawn.height - seen[0] / seen[1])).toBeLessThan(0.03);
  const tokens = page.getByRole('region', { name: 'Tokens by loss mask' });
  const repeated = (await tokens.locator('.token-run').allInnerTexts()).map((text) =>
    Number(/× ([\d,]+)$/.exec(text)![1]!.replace(',', '')),
  );
  expect(repeated.reduce((a, b) => a + b, 0)).toBe(inTable);
  await expect(page.getByText(`${inTable.toLocaleString('en')} of pictures`)).toBeVisible();
  const target = await page.getByRole('region', { name: 'The target' }).locator('p').innerText();
  const marked = (await tokens.locator('mark').allInnerTexts()).join('');
  expect(marked.startsWith(target)).toBe(true);
  // Beyond it only the end of the turn is learned.
  expect(marked.slice(target.length)).toMatch(/^<\|im_end\|>\s*$/);
  const prompt = await page.getByRole('region', { name: 'The rendered prompt' }).locator('p').innerText();
  expect(prompt).not.toContain(target);
  const colour = (mark: boolean) =>
    (mark ? tokens.locator('mark').first() : tokens.locator('span:not(.token-run)').first()).evaluate(
      (element) => getComputedStyle(element).backgroundColor,
    );
  expect(await colour(true)).not.toBe(await colour(false));
});

test('a model that is not here is planned by its config.json, before anything of it is fetched', async ({ page }) => {
  await page.goto('/#/model');
  const memory = page.getByRole('region', { name: 'Memory' });
  await expect(memory.getByRole('row', { name: /^total/ })).toBeVisible({ timeout: 60_000 });
  const configOf = (id: string) => PUBLISHED.find((each) => each.id === id)!.config;
  const pick = (name: string, json: unknown) =>
    page
      .locator('input[data-pick="config"]')
      .setInputFiles({ name, mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(json)) });
  await pick('config.json', { ...configOf('HuggingFaceTB/SmolVLM2-500M-Video-Instruct'), _name_or_path: 'org/mine' });
  await expect(memory.getByLabel('Model')).toHaveValue('org/mine');
  await expect(memory.getByRole('row', { name: /^weights/ })).toContainText(/9\d\d MiB/, { timeout: 120_000 });
  await expect(memory.getByRole('status')).toContainText('8 GB');
  // The adapter of the tests binds 1 GiB at once.
  await pick('config.json', { ...configOf('Qwen/Qwen2.5-VL-3B-Instruct'), _name_or_path: 'org/larger' });
  await expect(memory).toContainText(
    /one buffer \(.+\) needs \d\.\d+ GiB\. This device binds at most 1\.00 GiB at once/,
    {
      timeout: 120_000,
    },
  );
  // What is said to mend it does.
  await memory.getByLabel('Graphics memory').selectOption({ label: '48 GB' });
  await memory.getByRole('button', { name: 'Change the recipe' }).click({ timeout: 120_000 });
  await expect(memory).not.toContainText('needs', { timeout: 120_000 });
  await expect(memory.getByRole('status')).toContainText('as it is');
  await pick('dataset.json', [1]);
  await expect(page.getByRole('alert').first()).toContainText('dataset.json does not describe a model.');
  await expect(memory.getByLabel('Model')).toHaveValue('org/larger');
});
