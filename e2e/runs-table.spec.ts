/** The table of runs, with a pretended engine: figures, columns, order, the baseline, and runs beside each other. */
import AxeBuilder from '@axe-core/playwright';
import { expect, test, type Page } from '@playwright/test';
import { openHarness, takeSample, withoutGpu } from './harness/page.ts';
import { serveHarness, type Served } from './harness/serve.ts';

test.use(withoutGpu);

let served: Served;
test.beforeAll(async () => {
  served = await serveHarness(4632);
});
test.afterAll(() => served.close());

/** Three runs of one project: one in the middle, a better one, and a worse one with another seed. */
async function threeRuns(page: Page): Promise<void> {
  await takeSample(page);
  await page.evaluate(async () => {
    const { studio, transport } = window.harness;
    const { keeping, recipe } = studio;
    await keeping.getState().forRun();
    const project = keeping.getState().current!;
    const plan = recipe.getState().recipe;
    await transport.rememberRun(project, { ...plan, name: 'Plain' }, -0.3);
    await transport.rememberRun(project, { ...plan, name: 'Better' }, 0);
    await transport.rememberRun(project, { ...plan, name: 'Other seed', seed: 9 }, -0.6);
    await keeping.getState().refresh();
  });
  await page.getByRole('link', { name: /^Projects/ }).click();
}

const table = (page: Page) => page.getByRole('region', { name: 'Table of runs' });
const names = (page: Page) =>
  table(page)
    .getByRole('rowheader')
    .evaluateAll((cells) => cells.map((c) => c.firstChild!.textContent!.trim()));

async function look(page: Page, name: string): Promise<void> {
  for (const theme of ['light', 'dark'] as const) {
    await page.evaluate((to) => (document.documentElement.dataset['theme'] = to), theme);
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
    for (const width of [900, 1920]) {
      await page.setViewportSize({ width, height: 1000 });
      await page.screenshot({ path: test.info().outputPath(`${name}-${theme}-${width}.png`), fullPage: true });
    }
  }
  await page.setViewportSize({ width: 1280, height: 720 });
}

test('runs are told by what came of them, sorted by it, and shown in the columns that one chose before', async ({
  page,
}) => {
  await openHarness(page, served, 'fast');
  await threeRuns(page);
  await expect(table(page).getByRole('row', { name: /Better/ })).toContainText(/n\s=\s\d+/);
  // Sorted up, down, and no longer, by keys alone.
  const accuracy = table(page).getByRole('button', { name: 'Acc@0.5, last evaluation' });
  await accuracy.focus();
  await page.keyboard.press('Enter');
  await expect.poll(() => names(page)).toEqual(['Other seed', 'Plain', 'Better']);
  await expect(table(page).getByRole('columnheader', { name: 'Acc@0.5, last evaluation' })).toHaveAttribute(
    'aria-sort',
    'ascending',
  );
  await page.keyboard.press('Enter');
  await expect.poll(() => names(page)).toEqual(['Better', 'Plain', 'Other seed']);

  await page.getByText('Columns', { exact: true }).click();
  const columns = page.getByRole('group', { name: 'Columns of the table of runs' });
  await columns.getByRole('checkbox', { name: 'Seed' }).check();
  await columns.getByRole('checkbox', { name: 'Data' }).uncheck();
  await expect(
    table(page)
      .getByRole('row', { name: /Other seed/ })
      .locator('[data-column=seed]'),
  ).toHaveText('9');
  await expect(table(page).getByRole('columnheader', { name: 'Data' })).toHaveCount(0);
  const kept = await page.evaluate(() => localStorage.getItem('groundwork.runs'));
  expect(JSON.parse(kept!)).toMatchObject({ order: { by: 'accuracy', down: true } });
  await page.reload();
  await page.waitForFunction(() => window.harness !== undefined);
  await threeRuns(page);
  await expect(table(page).getByRole('columnheader', { name: 'Seed' })).toBeVisible();
  await expect(table(page).getByRole('columnheader', { name: 'Data' })).toHaveCount(0);
  await expect.poll(() => names(page)).toEqual(['Better', 'Plain', 'Other seed']);
});

test('a baseline is marked, and every other run differs from it by so much, on the same rows', async ({ page }) => {
  await openHarness(page, served, 'fast');
  await threeRuns(page);
  const row = (name: string) => table(page).getByRole('row', { name: new RegExp(`^Compare .* ${name}`) });
  await row('Plain')
    .getByRole('button', { name: /^Baseline/ })
    .click();
  await expect(row('Plain')).toContainText('is the baseline');
  const better = row('Better').locator('[data-column=difference]');
  await expect(better).toContainText(
    /^\+\d+\.\d points \[[+−]\d+\.\d to \+\d+\.\d\], the same \d+ rows: \d+ gained, 0 lost/,
  );
  await expect(row('Other seed').locator('[data-column=difference]')).toContainText(/^−/);
  await look(page, 'baseline');
  // There is only one.
  await row('Better')
    .getByRole('button', { name: /^Baseline/ })
    .click();
  await expect(row('Better')).toContainText('is the baseline');
  await expect(row('Plain').locator('[data-column=difference]')).toContainText(/^−/);
  await row('Better')
    .getByRole('button', { name: /^Baseline/ })
    .click();
  await expect(table(page)).not.toContainText('is the baseline');
});

test('runs are laid over each other with a colour each, and two are compared answer by answer', async ({ page }) => {
  await openHarness(page, served, 'fast');
  await threeRuns(page);
  const boxes = table(page).getByRole('checkbox');
  await boxes.nth(0).check();
  await expect(page.getByText('Tick another run')).toBeVisible();
  await boxes.nth(1).check();
  await boxes.nth(2).check();
  const compared = page.getByRole('region', { name: '3 runs compared' });
  await expect(compared.getByRole('list', { name: 'Colours of the runs' }).getByRole('listitem')).toHaveCount(3);
  const colours = await compared
    .locator('.legend .run-color')
    .evaluateAll((all) => all.map((each) => getComputedStyle(each).backgroundColor));
  expect(new Set(colours).size).toBe(3);
  await expect(compared.getByRole('region', { name: 'Loss' })).toHaveAttribute('data-points', /^[1-9]/);
  await look(page, 'curves');
  await compared.getByRole('tab', { name: 'Settings' }).click();
  await expect(compared.getByRole('region', { name: 'Settings that differ' })).toContainText('9');
  await compared.getByRole('tab', { name: 'Answers' }).click();
  await expect(compared).toContainText('Tick only two');

  await table(page).getByRole('checkbox', { checked: true }).nth(2).uncheck();
  const two = page.getByRole('region', { name: '2 runs compared' });
  const list = two.getByRole('listbox', { name: 'Rows that both runs answered' });
  await expect(list.getByRole('option').first()).toHaveAttribute('aria-selected', 'true');
  await expect(two.getByRole('region', { name: /^Answer of/ })).toHaveCount(2);
  await expect(
    two
      .getByRole('group', { name: /^Boxes of both runs/ })
      .locator('img')
      .first(),
  ).toBeVisible();
  // The greatest change comes first; the keys move.
  const first = await list.getByRole('option').first().textContent();
  await list.focus();
  await page.keyboard.press('ArrowDown');
  await expect(list.getByRole('option').nth(1)).toHaveAttribute('aria-selected', 'true');
  const change = (text: string | null) => Math.abs(Number(text!.replace('−', '-').match(/[-+]?\d+\.\d+/)![0]));
  expect(change(first)).toBeGreaterThanOrEqual(change(await list.getByRole('option').nth(1).textContent()));
  await look(page, 'answers');
});

test('a run’s name stays in view while its figures are scrolled', async ({ page }) => {
  await openHarness(page, served, 'fast');
  await threeRuns(page);
  await page.setViewportSize({ width: 900, height: 1400 });
  await page.getByText('Columns', { exact: true }).click();
  for (const box of await page.getByRole('group', { name: 'Columns of the table of runs' }).getByRole('checkbox').all())
    await box.check();
  const left = () => table(page).evaluate((box) => box.scrollLeft);
  await table(page).evaluate((box) => box.scrollTo({ left: 600 }));
  expect(await left()).toBeGreaterThan(100);
  const name = table(page).getByRole('rowheader', { name: /Better/ });
  // Not only in the document: it is what one sees there.
  const seen = await name.evaluate((cell) => {
    const { left: x, top, height } = cell.getBoundingClientRect();
    return cell.contains(document.elementFromPoint(x + 20, top + height / 2));
  });
  expect(seen).toBe(true);
  await page.screenshot({ path: test.info().outputPath('scrolled.png') });
});

test('the checkpoints that are kept of a run are listed, and each is opened to be inspected or exported', async ({
  page,
}) => {
  await openHarness(page, served, 'fast');
  await threeRuns(page);
  await table(page)
    .getByRole('row', { name: /^Compare .* Better/ })
    .getByRole('button', { name: /^Checkpoints/ })
    .click();
  const list = page.getByRole('table', { name: 'Checkpoints of this run' });
  await expect(list.getByRole('row')).toHaveCount(3);
  await expect(list.getByRole('row').nth(1)).toContainText('the last, end of a stage');
  const best = list.getByRole('row').nth(2);
  await expect(best).toContainText('the best by eval_accuracy, 0.710');
  await look(page, 'checkpoints');
  await best.getByRole('button', { name: /^Export/ }).press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: 'Export' })).toBeVisible();
  expect(await page.evaluate(() => window.harness.transport.lastCheckpoint)).toBe(5);
  await expect(
    page.getByText(/The tuned model is the checkpoint after step 30: the best by eval_accuracy/),
  ).toBeVisible();

  // The Run room lists them as well, and says which of them is open.
  await page.getByRole('link', { name: /^Run\b/ }).click();
  await page.getByRole('tab', { name: 'Checkpoints' }).click();
  await expect(list.getByRole('row')).toHaveCount(3);
  await expect(best).toContainText('open');
  await look(page, 'checkpoints-in-run-room');
  await list
    .getByRole('row')
    .nth(1)
    .getByRole('button', { name: /^Inspect/ })
    .press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: 'Inspect' })).toBeVisible();
  await expect(page.getByText(/The tuned model is the checkpoint after step 40: end of a stage/)).toBeVisible();
});

test('a run is reported as one file that opens alone, asks for nothing, and reads in light and dark', async ({
  page,
  context,
}) => {
  await page.addInitScript('delete window.showSaveFilePicker');
  await openHarness(page, served, 'fast');
  await threeRuns(page);
  await table(page)
    .getByRole('row', { name: /^Compare .* Better/ })
    .getByRole('button', { name: /^Show/ })
    .click();
  await page.getByRole('button', { name: 'Report', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: 'Report' });
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  await dialog.getByRole('checkbox', { name: 'Hit, the best first' }).check();
  await dialog.getByRole('spinbutton').fill('3');
  const waiting = page.waitForEvent('download');
  await dialog.getByRole('button', { name: 'Save the report' }).press('Enter');
  const file = test.info().outputPath('report.html');
  await (await waiting).saveAs(file);
  await expect(dialog).toBeHidden();

  const report = await context.newPage();
  const asked: string[] = [];
  report.on('request', (request) => asked.push(request.url()));
  const errors: string[] = [];
  report.on('console', (message) => errors.push(message.text()));
  await report.goto(`file://${file}`);
  await expect(report.getByRole('heading', { level: 1 })).toHaveText('Run “Better”');
  for (const part of ['Plan', 'Data', 'Curves', 'Evaluations', 'Missed, the worst first', 'Hit, the best first'])
    await expect(report.getByRole('heading', { name: part, exact: true })).toBeVisible();
  await expect(report.getByRole('table', { name: 'Held-out rows, stage by stage' })).toContainText(/\d to \d/);
  await expect(report.getByRole('img', { name: /^Loss: loss ends at/ })).toBeVisible();
  await expect(report.locator('.gallery image').first()).toBeVisible();
  expect(asked.filter((url) => !url.startsWith('data:'))).toEqual([`file://${file}`]);
  expect(errors).toEqual([]);
  for (const colorScheme of ['light', 'dark'] as const) {
    await report.emulateMedia({ colorScheme });
    expect((await new AxeBuilder({ page: report }).analyze()).violations).toEqual([]);
    for (const width of [900, 1920]) {
      await report.setViewportSize({ width, height: 1000 });
      await report.screenshot({ path: test.info().outputPath(`report-${colorScheme}-${width}.png`), fullPage: true });
    }
  }
});
