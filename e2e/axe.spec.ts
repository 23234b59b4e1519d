/** What axe has against the studio, in every room, in both themes and in every state, against a pretended engine. */
import { expect, test } from '@playwright/test';
import { faults, faultsInBoth } from './harness/look.ts';
import { finishRun, openHarness, takeSample, withoutGpu } from './harness/page.ts';
import { serveHarness, type Served } from './harness/serve.ts';
import { goTo } from './harness/ways.ts';

test.use(withoutGpu);

let served: Served;
test.beforeAll(async () => {
  served = await serveHarness(4731);
});
test.afterAll(() => served.close());

test('axe names what is wrong with a page, and with a part of it', async ({ page }) => {
  await page.setContent(
    '<html lang="en"><title>A page</title><main><h1>A picture</h1><img src="data:,"></main></html>',
  );
  expect((await faults(page)).map(({ id }) => id)).toEqual(['image-alt']);
  expect((await faults(page, 'main')).map(({ id }) => id)).toEqual(['image-alt']);
  expect(await faults(page, 'h1')).toEqual([]);
});

test('axe names what can be read in one theme only', async ({ page }) => {
  const dark = '<style>[data-theme=dark] p { color: #222; background: #111 }</style>';
  await page.setContent(
    `<html lang="en"><title>A page</title>${dark}<main><h1>Words</h1><p>To be read.</p></main></html>`,
  );
  expect((await faultsInBoth(page)).map(({ theme, id }) => [theme, id])).toEqual([['dark', 'color-contrast']]);
});

test('every room passes axe, light and dark', async ({ page }) => {
  test.setTimeout(600_000);
  await openHarness(page, served, 'fast');
  const check = async (where: string) => {
    await page.waitForTimeout(250);
    const violations = await faultsInBoth(page);
    expect
      .soft(
        violations.map(
          ({ theme, id, nodes }) =>
            `${where}, ${theme}: ${id}: ${nodes.map((node) => node.target.join(' ')).join(', ')}`,
        ),
      )
      .toEqual([]);
  };
  await check('empty data');
  for (const room of ['model', 'recipe', 'run', 'inspect', 'try', 'export']) {
    await page.goto(`${served.url}?fast#/${room}`);
    await check(`empty ${room}`);
  }
  await page.goto(`${served.url}?fast#/data`);
  await takeSample(page);
  await finishRun(page);
  await page.evaluate(() => window.harness.studio.profile.getState().ask());
  for (const tab of ['Rows', 'Issues', 'Health', 'Coordinates', 'Format and split']) {
    await page.getByRole('tab', { name: tab }).click();
    await check(`data ${tab}`);
  }
  for (const room of ['Model', 'Recipe', 'Run', 'Inspect', 'Try', 'Export']) {
    await goTo(page, room);
    await check(room);
    for (const tab of room === 'Recipe' || room === 'Run' ? await page.getByRole('tab').all() : []) {
      await tab.click();
      await check(`${room} ${await tab.textContent()}`);
    }
    if (room === 'Inspect') {
      await page.getByRole('button', { name: 'Answer with both' }).click();
      await expect(page.getByRole('region', { name: 'Tuned answer' })).toContainText('IoU');
      await check('inspect answered');
    }
  }
  await page.evaluate(async () => {
    const { keeping, recipe } = window.harness.studio;
    const project = keeping.getState().current!;
    await window.harness.transport.keep.remember(project, recipe.getState().recipe, [], 'running');
    await keeping.getState().refresh();
  });
  await goTo(page, 'Projects');
  await expect(page.getByRole('status', { name: 'Interrupted run' })).toBeVisible();
  await check('projects');
  await page.evaluate(() => window.harness.transport.die());
  await check('lost engine');
});
