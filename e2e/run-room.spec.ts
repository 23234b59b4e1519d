/** The run room against a pretended engine: time travel, earlier runs, the ledger, rehearsal, the run file, the proof. */
import { readFile } from 'node:fs/promises';
import AxeBuilder from '@axe-core/playwright';
import { expect, test, type Page } from '@playwright/test';
import { finishRun, openHarness, takeSample, withoutGpu } from './harness/page.ts';
import { serveHarness, type Served } from './harness/serve.ts';

test.use(withoutGpu);

let served: Served;
test.beforeAll(async () => {
  served = await serveHarness(4631);
});
test.afterAll(() => served.close());

async function ran(page: Page): Promise<void> {
  await openHarness(page, served, 'fast', '/run');
  await takeSample(page);
  await finishRun(page);
}

/** Where the tuned boxes are in the watched rows, as painted. */
const painted = (page: Page) =>
  page
    .getByRole('region', { name: 'Watched rows' })
    .locator('canvas')
    .evaluateAll((all) => (all as HTMLCanvasElement[]).map((canvas) => canvas.toDataURL()).join());

test('the boxes of a step are looked at by keyboard and by a click on a curve', async ({ page }) => {
  await ran(page);
  const travel = page.getByRole('region', { name: 'Watched rows' });
  await expect(travel).toContainText('after step 20');
  await expect.poll(() => painted(page)).not.toBe('');
  await page.waitForTimeout(500);
  const newest = await painted(page);
  await travel.getByRole('slider', { name: 'Step of the watched rows' }).focus();
  await page.keyboard.press('Home');
  await expect(travel).toContainText('after step 10');
  await expect.poll(() => painted(page)).not.toBe(newest);
  await page.getByRole('button', { name: 'Let go of step 10' }).click();
  await expect(travel).toContainText('after step 20');
  // The crosshair shows the step under it; a click keeps it.
  const plot = page.getByRole('region', { name: 'Loss' }).locator('.u-over');
  const { width, height } = (await plot.boundingBox())!;
  await plot.hover({ position: { x: width * 0.5, y: height / 2 } });
  await expect(travel).toContainText('after step 10');
  await page.mouse.move(0, 0);
  await expect(travel).toContainText('after step 20');
  await plot.click({ position: { x: width * 0.5, y: height / 2 } });
  await page.mouse.move(0, 0);
  await expect(page.getByRole('button', { name: /^Let go of step 1\d/ })).toBeVisible();
  await expect(travel).toContainText('after step 10');
});

test('an earlier run lies under the next one, on the charts and in their tables', async ({ page }) => {
  await ran(page);
  await finishRun(page);
  await expect(page.getByRole('checkbox', { name: 'demo-quick, fake-1' })).toBeChecked();
  await page.getByRole('button', { name: 'Table of Loss' }).click();
  await expect(page.getByRole('columnheader', { name: 'loss, demo-quick, fake-1' })).toBeVisible();
  await page.getByRole('checkbox', { name: 'demo-quick, fake-1' }).uncheck();
  await expect(page.getByRole('columnheader', { name: /fake-1/ })).toHaveCount(0);
});

test('a run that the project has stored is laid under the one in view', async ({ page }) => {
  await ran(page);
  const id = await page.evaluate(async () => {
    const { studio, transport } = window.harness;
    const { keeping, recipe } = studio;
    const points = Array.from({ length: 20 }, (_, i) => ({
      type: 'metrics' as const,
      stageIndex: 0,
      step: i + 1,
      values: { loss: 2 - i / 20 },
    }));
    const stored = await transport.keep.remember(
      keeping.getState().current!,
      recipe.getState().recipe,
      points,
      'finished',
    );
    await keeping.getState().refresh();
    return stored;
  });
  await page.getByRole('combobox', { name: 'Add a stored run' }).selectOption(id);
  const laid = page.getByRole('checkbox', { name: new RegExp(id) });
  await expect(laid).toBeChecked();
  await expect(page.getByRole('combobox', { name: 'Add a stored run' })).toHaveCount(0);
  await page.getByRole('button', { name: 'Table of Loss' }).click();
  await expect(page.getByRole('columnheader', { name: new RegExp(`^loss, .*${id}`) })).toBeVisible();
  await laid.uncheck();
  await expect(page.getByRole('columnheader', { name: new RegExp(id) })).toHaveCount(0);
});

test('the ledger says what other rules would have given', async ({ page }) => {
  await ran(page);
  await page.getByRole('tab', { name: 'Ledger' }).click();
  const sums = page.getByRole('status').filter({ hasText: 'Under these rules' });
  await expect(sums).toContainText('0.0 %');
  for (const term of [/^format/, /^IoU/]) await page.getByRole('slider', { name: term }).fill('0');
  // Nothing is left to tell the completions apart but the right image, whose weight is 0.
  await expect(sums).toContainText(/Under these rules\s*0 of 4 groups/);
  await page.getByRole('slider', { name: /^image index/ }).fill('2');
  await expect(page.getByRole('region', { name: 'Groups that move most' }).getByRole('row')).not.toHaveCount(1);
  await page
    .getByRole('button', { name: /^Look at the group/ })
    .first()
    .click();
  await expect(page.getByRole('tab', { name: /^Groups/, selected: true })).toBeVisible();
  await page.getByRole('button', { name: 'As in the run' }).click();
});

test('a rehearsal says what the plan will take, and that an edit outdates it', async ({ page }) => {
  await openHarness(page, served, 'fast', '/run');
  await takeSample(page);
  await page.getByRole('button', { name: 'Rehearse' }).click();
  const card = page.getByRole('region', { name: 'Rehearsal', exact: true });
  await expect(card).toContainText('The whole plan');
  await expect(card.getByRole('row')).toHaveCount(9);
  await page.evaluate(() => window.harness.studio.recipe.getState().reseed(9));
  await expect(card).toContainText('The plan has changed since');
});

test('the run file, dropped back, shows the run again and brings its plan back', async ({ page }) => {
  await page.addInitScript(() => Reflect.deleteProperty(window, 'showSaveFilePicker'));
  await ran(page);
  await page.getByRole('link', { name: /^Export/ }).click();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Save the run file' }).click(),
  ]);
  expect(download.suggestedFilename()).toBe('run-fake-1.groundwork.json');
  const json = await readFile(await download.path(), 'utf8');
  await openHarness(page, served, 'fast', '/data');
  await page.reload();
  await expect(page.getByRole('group', { name: 'Drop a dataset' })).toBeVisible();
  await page.evaluate((text) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([text], 'run-fake-1.groundwork.json'));
    const target = document.querySelector('[aria-label="Drop a dataset"]')!;
    target.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }));
  }, json);
  await expect(page.getByText('A recorded run.')).toBeVisible();
  await expect(page.getByRole('region', { name: 'Loss' })).toHaveAttribute('data-points', '28');
  await expect(page.getByRole('tab', { name: 'Groups (4)' })).toBeVisible();
  // Its pictures come with its dataset.
  await expect(page.getByRole('group', { name: /^Watched row/ })).toHaveCount(0);
  await takeSample(page);
  await expect(page.getByRole('group', { name: /^Watched row/ }).first()).toBeVisible();
  await page.getByRole('button', { name: 'Run it again' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Recipe');
});

test('a run file opened on another dataset or model says so', async ({ page }) => {
  await ran(page);
  const open = (made: { model: string; dataset: string }) =>
    page.evaluate(async ({ model, dataset }) => {
      const { run, project, book, rows } = window.harness.studio;
      const digests = {
        madeOn: { model: { name: 'other-3b', digest: model }, dataset: { name: 'Sample scenes', digest: dataset } },
      };
      const json = await window.harness.writeRunFile(
        run.getState(),
        { ...project.getState(), ...digests },
        book,
        rows,
        new Date(0),
      );
      const transfer = new DataTransfer();
      transfer.items.add(new File([json], 'run-x.groundwork.json'));
      document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }));
    }, made);
  const differences = page.getByRole('status', { name: 'Differences from what is open' });
  await open({ model: 'model-2', dataset: 'rows of another' });
  await expect(differences).toContainText(
    'This run was made on another dataset. The rows of Sample scenes have changed',
  );
  await expect(differences).toContainText('It was other-3b, and groundwork-starter is loaded.');
  await expect(page.getByRole('group', { name: /^Watched row/ })).toHaveCount(0);
  await page.evaluate(() => {
    // As it came, a run from a file goes out: the file is forgotten, not its curves.
    window.harness.studio.run.setState({ opened: null });
  });
  await open({ model: 'model-1', dataset: 'rows of fake' });
  await expect(page.getByRole('group', { name: /^Watched row/ }).first()).toBeVisible();
  await expect(differences).toHaveCount(0);
});

test('text in a run file stays text', async ({ page }) => {
  await ran(page);
  const json = await page.evaluate(async () => {
    const { run, recipe } = window.harness.studio;
    run.setState({
      groups: run.getState().groups.map((group) => ({
        ...group,
        completions: group.completions.map((c) => ({
          ...c,
          text: '<img src=x onerror="document.title=1">',
          think: '<b>x</b>',
        })),
      })),
      recipe: { ...recipe.getState().recipe, name: '<script>document.title=1</script>' },
    });
    return run.getState().groups.length;
  });
  expect(json).toBe(4);
  await page.getByRole('tab', { name: /^Groups/ }).click();
  await expect(page.getByText('<b>x</b>').first()).toBeVisible();
  expect(await page.locator('img[src="x"], article script').count()).toBe(0);
  expect(await page.title()).toBe('Run · Groundwork');
});

test('the kernels are proved by keyboard, in a dialog that axe has nothing against', async ({ page }) => {
  await openHarness(page, served, 'fast');
  await page.getByRole('button', { name: /Apple M4 Max/ }).focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Apple M4 Max' });
  await expect(dialog).toBeVisible();
  await dialog.getByRole('button', { name: 'Prove the kernels' }).press('Enter');
  await expect(dialog.getByText('All 6 agree')).toBeVisible();
  await expect(dialog.getByRole('row', { name: /^Attention/ })).toContainText('pass');
  expect((await new AxeBuilder({ page }).include('dialog').analyze()).violations).toEqual([]);
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
});

test('how the device’s work is cut is told with its trial, and can be chosen', async ({ page }) => {
  await openHarness(page, served, 'fast');
  await page.getByRole('button', { name: /Apple M4 Max/ }).click();
  const dialog = page.getByRole('dialog', { name: 'Apple M4 Max' });
  await expect(dialog.getByText('In use: Matrix')).toBeVisible();
  await expect(dialog.getByRole('row', { name: /^Matrix/ })).toContainText('3.0 ms');
  await expect(dialog.getByRole('radio', { name: 'Automatic' })).toBeChecked();
  await dialog.getByRole('radio', { name: 'Registers' }).check({ force: true });
  await expect(dialog.getByRole('radio', { name: 'Registers' })).toBeChecked();
  await expect(dialog.getByRole('button', { name: 'Reload now' })).toBeVisible();
  expect((await new AxeBuilder({ page }).include('dialog').analyze()).violations).toEqual([]);
});

test('a tab that was long in the background says what happened meanwhile', async ({ page }) => {
  await openHarness(page, served, 'fast', '/run');
  await takeSample(page);
  await page.evaluate(async () => {
    const { run, recipe } = window.harness.studio;
    await run.getState().start('fake', recipe.getState().recipe, true);
    // Its state comes with the next frame.
    await new Promise((resolve) => setTimeout(resolve, 300));
    const see = (state: string) => {
      Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => state });
      document.dispatchEvent(new Event('visibilitychange'));
    };
    const now = Date.now;
    see('hidden');
    window.harness.transport.emit({ type: 'metrics', stageIndex: 1, step: 7, values: { loss: 1 } });
    Date.now = () => now() + 12 * 60_000;
    await new Promise((resolve) => setTimeout(resolve, 400));
    see('visible');
  });
  await expect(page.getByText(/in the background for 12 min/)).toBeVisible();
  await expect(page.getByText('went on: 7 more steps')).toBeVisible();
});
