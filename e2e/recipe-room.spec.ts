/** The recipe room in the product: plans to start from, every setting explained, and a row as the model sees it. */
import { readFileSync } from 'node:fs';
import { expect, test } from '@playwright/test';
import { PRESETS, PUBLISHED } from '../src/engine/presets.ts';
import { look } from './harness/look.ts';
import { goTo, runState } from './harness/ways.ts';

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

test('rows are drawn in shares and with changed pictures, and each draw is shown with its boxes', async ({ page }) => {
  await page.goto('/#/data');
  await page.getByRole('button', { name: 'Start with the sample' }).click();
  await expect(page.getByRole('link', { name: /^Model/ })).toContainText('parameters', { timeout: 120_000 });
  await goTo(page, 'Recipe');
  await page.getByRole('tab', { name: 'Rows' }).click();
  await page.getByRole('combobox', { name: 'Shares' }).selectOption('By task');
  const shares = page.getByRole('region', { name: 'Shares of the mixture' });
  const draws = async (task: string) =>
    Number((await shares.getByRole('row', { name: task }).locator('td').nth(1).innerText()).replace(',', ''));
  const before = await draws('region');
  await shares.getByRole('button', { name: 'Give a share: region' }).click();
  await page.getByRole('textbox', { name: 'Share of region' }).fill('0.5');
  await expect.poll(() => draws('region')).toBeGreaterThan(2 * before);
  await expect(page.getByRole('region', { name: 'The recipe' })).not.toContainText('no share is given');
  for (const change of ['Pictures in another order', 'Mirrored', 'Cropped', 'Recoloured'])
    await page.getByRole('textbox', { name: change, exact: true }).fill('1');
  await expect(page.getByRole('list', { name: 'Rows that are not changed' })).toContainText(
    /rows are not mirrored: [\d,]+ rows speak of sides/,
  );
  await look(page, 'rows');
  await page.getByRole('tab', { name: 'As the model sees it' }).click();
  const table = page.getByRole('region', { name: 'Pictures after resizing' });
  await expect(table).toBeVisible();
  const strip = page.getByRole('group', { name: /^Pictures of row/ });
  const sources = () => strip.locator('img').evaluateAll((all) => all.map((image) => (image as HTMLImageElement).src));
  // A row whose words allow a crop is among the first.
  const shown = page.getByRole('combobox', { name: 'Shown' });
  await shown.selectOption('as draw 1 of it');
  const natural = () => table.locator('tbody tr td:nth-child(2)').allInnerTexts();
  const asIs = new Set<string>();
  let changed = false;
  for (let row = 0; row < 12 && !changed; row++) {
    await shown.selectOption('as the row is');
    await expect(table).toBeVisible();
    const files = (await natural()).join();
    asIs.add(files);
    await shown.selectOption('as draw 1 of it');
    await page.waitForTimeout(300);
    changed = (await natural()).join() !== files;
    if (!changed) await page.getByRole('button', { name: 'Next row' }).click();
  }
  expect(changed).toBe(true);
  const first = await natural();
  await expect(strip.locator('canvas[data-boxes]:not([data-boxes="0"])').first()).toBeVisible();
  const [one] = await sources();
  await shown.selectOption('as draw 2 of it');
  await expect.poll(async () => (await sources())[0]).not.toBe(one);
  await expect.poll(natural).not.toEqual(first);
  await look(page, 'draw');
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

/** What a run file carries, with a reward that somebody else wrote. */
const FOREIGN = 'function reward(completion) { return completion.tokens > 0 ? 1 : 0; }';

test('a reward is written, tried on the groups of a recorded run, and used; one from elsewhere runs only once allowed', async ({
  page,
}) => {
  const recorded = JSON.parse(readFileSync('public/starter/recorded-run.groundwork.json', 'utf8')) as {
    readonly recipe: { readonly stages: readonly { readonly kind: string; readonly rewardWeights?: object }[] };
  };
  await page.goto('/#/data');
  await page.getByRole('button', { name: 'Start with the sample' }).click();
  await expect(page.getByRole('link', { name: /^Model/ })).toContainText('parameters', { timeout: 120_000 });
  await goTo(page, 'Run');
  const stages = recorded.recipe.stages.map((stage) =>
    stage.kind === 'grpo'
      ? { ...stage, rewardCode: FOREIGN, rewardWeights: { ...stage.rewardWeights, own: 1 } }
      : stage,
  );
  await page.locator('input[data-pick="run"]').setInputFiles({
    name: 'theirs.groundwork.json',
    mimeType: 'application/json',
    buffer: Buffer.from(JSON.stringify({ ...recorded, recipe: { ...recorded.recipe, stages } })),
  });
  await page.getByRole('button', { name: 'Run it again' }).click();

  await page.locator('.stage-line[data-kind="grpo"] .stage-main').click();
  await page.getByRole('button', { name: 'Your own reward' }).click();
  const bench = page.getByRole('dialog', { name: 'Your own reward' });
  await expect(bench.getByLabel('Code of your own reward')).toHaveValue(FOREIGN);
  await bench.getByRole('button', { name: 'Close' }).click();

  // To start is to run their code: it is shown first, and the safe answer has the focus.
  await page.getByRole('button', { name: 'Start the run' }).click();
  const asked = page.getByRole('dialog', { name: /^Run the code in/ });
  await expect(asked).toContainText(FOREIGN);
  await expect(asked.getByRole('button', { name: 'Do not run it' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByText('was not allowed, so nothing was run')).toBeVisible();

  await goTo(page, 'Recipe');
  await page.locator('.stage-line[data-kind="grpo"] .stage-main').click();
  await page.getByRole('button', { name: 'Your own reward' }).click();
  await bench
    .getByLabel('Code of your own reward')
    .fill('function reward(completion, row) { return completion.boxes.length === row.solution.length ? 1 : 0; }');
  await bench.getByRole('button', { name: 'Try it on recorded groups' }).click();
  await expect(bench.getByText('It tells the answers apart')).toBeVisible({ timeout: 60_000 });
  await expect(
    bench.getByRole('region', { name: 'What it gives to recorded answers' }).locator('tbody tr'),
  ).not.toHaveCount(0);
  await bench.getByLabel('Code of your own reward').fill('function reward() { for (;;); }');
  await bench.getByRole('button', { name: 'Try it on recorded groups' }).click();
  await expect(bench.getByText(/was stopped after/)).toBeVisible({ timeout: 60_000 });
  await bench.getByLabel('Code of your own reward').fill('function reward() { return 1; }');
  await bench.getByRole('button', { name: 'Use it in this stage' }).click();

  // What a person wrote here is not asked about.
  await page.getByRole('button', { name: 'Start paused' }).click();
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(runState(page)).toContainText(/Paused|Running|Starting/, { timeout: 60_000 });
});
