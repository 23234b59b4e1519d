/** The whole studio against a pretended engine: by keyboard, at any width, without a freeze. */
import { expect, test, type Browser, type Page } from '@playwright/test';
import { faults } from './harness/look.ts';
import { finishRun, openHarness, takeSample, withoutGpu } from './harness/page.ts';
import { serveHarness, type Served } from './harness/serve.ts';
import { goTo } from './harness/ways.ts';

test.use(withoutGpu);
// The last long file: each worker serves a harness, and takes half of the stories.
test.describe.configure({ mode: 'parallel' });

let served: Served;
test.beforeAll(async () => {
  served = await serveHarness();
});
test.afterAll(() => served.close());

const open = (page: Page, query = '', hash = '/data') => openHarness(page, served, query, hash);

/** Presses Tab until the focus is on what is named. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let i = 0; i < 60; i++) {
    await page.keyboard.press('Tab');
    const text = await page.evaluate(
      () => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '',
    );
    if (text.trim().startsWith(name)) return;
  }
  throw new Error(`Tab never reached "${name}"`);
}

test('from the first page to the export by keyboard alone', async ({ page }) => {
  await page.addInitScript(() => Reflect.deleteProperty(window, 'showSaveFilePicker'));
  await open(page, 'fast');
  await tabTo(page, 'Start with the sample');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('option', { selected: true })).toContainText('1');
  await tabTo(page, 'Rows');
  await page.keyboard.press('ArrowRight');
  await expect(page.getByRole('region', { name: 'Issues by row' })).toContainText('train.jsonl:52');
  await page.keyboard.press('ArrowLeft');
  await page.getByRole('listbox', { name: 'Rows' }).focus();
  await page.keyboard.press('End');
  await expect(page.getByRole('article')).toHaveAccessibleName('Row train-0319');
  await page.getByRole('link', { name: /^Recipe/ }).focus();
  await page.keyboard.press('Enter');
  await tabTo(page, 'Start paused');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('status').filter({ hasText: 'Paused' })).toBeVisible();
  const controls = page.getByRole('group', { name: 'Run controls', exact: true });
  await controls.getByRole('button', { name: 'Step' }).focus();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('region', { name: 'Loss' })).toHaveAttribute('data-points', '1');
  await expect(page.getByText('1.20 GiB of memory on the device')).toBeVisible();
  await page.getByRole('tab', { name: 'Curves' }).focus();
  await page.keyboard.press('End');
  await tabTo(page, 'Profile the next two steps');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('region', { name: 'Operations of the step' })).toBeVisible();
  await tabTo(page, 'Download trace');
  await page.getByRole('tab', { name: 'Profile' }).focus();
  await page.keyboard.press('Home');
  await controls.getByRole('button', { name: 'Resume' }).focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('status').filter({ hasText: 'Finished' })).toBeVisible();
  await page.getByRole('link', { name: /^Inspect/ }).focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('article')).toHaveAccessibleName('Row heldout-0000');
  await page.keyboard.press('a');
  await expect(page.getByRole('region', { name: 'Tuned answer' })).toContainText('IoU');
  await page.keyboard.press('ArrowRight');
  await expect(page.getByRole('article')).toHaveAccessibleName('Row heldout-0001');
  await page.keyboard.press('2');
  await expect(page.getByRole('button', { name: /^Base/ })).toHaveAttribute('aria-pressed', 'false');
  await page.getByRole('link', { name: /^Export/ }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Write the adapter' }).focus();
  const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')]);
  expect(download.suggestedFilename()).toBe('adapter.zip');
});

test('rows are answered together, and whether answers follow swapped pictures is told for all of them', async ({
  page,
}) => {
  await open(page, 'fast');
  await takeSample(page);
  await goTo(page, 'Inspect');
  const summary = page.getByRole('region', { name: 'Picture-swap test over rows' });
  await expect(page.getByRole('button', { name: 'Answer all 80' })).toBeEnabled();
  await expect(summary).toHaveCount(0);
  await page.getByRole('button', { name: 'Answer all 80' }).click();
  await expect(page.getByRole('button', { name: 'All are answered' })).toBeVisible();
  await summary.getByRole('button', { name: /^Swap the pictures of \d+ answered rows/ }).click();
  await expect(summary.getByRole('progressbar')).toBeVisible();
  // The pretended model looks at no picture: its answer stays where it was.
  await expect(summary.getByRole('status')).toHaveText(/^It stays with the number (\d+) of \1 \(100\.0 %\)$/);
});

test('a plan that does not fit the card is changed by one button', async ({ page }) => {
  await open(page, 'fast', '/recipe');
  await page.getByRole('tab', { name: 'Memory' }).click();
  const memory = page.getByRole('region', { name: 'Memory' });
  await memory.getByLabel('Graphics memory').selectOption({ label: '8 GB' });
  await expect(memory.getByRole('status')).toContainText('recompute activations');
  await memory.getByRole('button', { name: 'Change the recipe' }).click();
  expect(
    await page.evaluate(() =>
      window.harness.studio.recipe
        .getState()
        .recipe.stages.every((stage) => !('gradientCheckpointing' in stage) || stage.gradientCheckpointing),
    ),
  ).toBe(true);
  await memory.getByLabel('Graphics memory').selectOption({ label: '24 GB' });
  await expect(memory.getByRole('status')).toContainText('as it is');
  await memory.getByLabel('Graphics memory').selectOption({ label: '4 GB' });
  await expect(memory.getByRole('status')).toContainText('smaller model');
});

test('a conversation over pictures of one’s own, stopped and asked again', async ({ page }) => {
  await open(page, '', '/try');
  await takeSample(page);
  await page.getByLabel('Drop pictures').waitFor();
  await page.evaluate(async () => {
    const { studio } = window.harness;
    const { rows } = await studio.client.request({
      type: 'rows',
      dataset: 'fake',
      split: 'train',
      offset: 0,
      count: 1,
    });
    const paths = rows[0]!.images.slice(0, 2);
    const blobs = await Promise.all(
      paths.map((path) => studio.client.request({ type: 'image', dataset: 'fake', path })),
    );
    const transfer = new DataTransfer();
    blobs.forEach((blob, i) => transfer.items.add(new File([blob], `${i}.png`, { type: 'image/png' })));
    document
      .querySelector('[aria-label="Drop pictures"]')!
      .dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }));
  });
  await expect(page.getByRole('button', { name: 'Remove 1.png' })).toBeVisible();
  await page.getByLabel('Question').fill('Which one has a disc?');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Stop' }).click();
  const replies = page.getByRole('region', { name: 'Base answer' });
  await expect(replies.first()).toContainText('stopped');
  await page.getByLabel('Settings of the answer').getByText('Tuned', { exact: true }).click();
  await page.getByLabel('Question').fill('And now?');
  await page.getByRole('button', { name: 'Ask' }).click();
  const tuned = page.getByRole('region', { name: 'Tuned answer' });
  await expect(tuned).toContainText('Only one of them has a red disc');
  await expect(tuned.locator('canvas[data-boxes="1"]')).toHaveCount(1);
  // What the model writes is text.
  await expect(tuned).toContainText('<b>not bold</b>');
  await page.getByRole('button', { name: 'Start again' }).click();
  await expect(page.getByRole('list', { name: 'Conversation' })).toHaveCount(0);
});

test('adapters are brought in, stacked and switched off', async ({ page }) => {
  await open(page, 'fast', '/model');
  await takeSample(page);
  await page.getByLabel('Drop an adapter').waitFor();
  const panel = page.getByRole('region', { name: 'Adapters' });
  await page.evaluate(() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File(['{}'], 'mine.zip'));
    document
      .querySelector('[aria-label="Drop an adapter"]')!
      .dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }));
  });
  await expect(panel).toContainText('84 of 86 tensors found their module');
  await page.evaluate(() => window.harness.studio.adapters.getState().keep('ran'));
  await panel.getByRole('checkbox', { name: 'mine' }).check();
  await expect(panel.getByRole('status')).toContainText('use 1 adapter');
  await panel.getByRole('checkbox', { name: 'ran' }).check();
  await panel.getByRole('button', { name: 'Move mine up the stack' }).click();
  expect(await page.evaluate(() => window.harness.studio.adapters.getState().report.stack)).toEqual([
    'adapter-2',
    'adapter-1',
  ]);
  await panel.getByRole('checkbox', { name: /trains the top adapter further/ }).check();
  await panel.getByRole('button', { name: 'Forget mine' }).click();
  await panel.getByRole('checkbox', { name: 'ran' }).uncheck();
  await expect(panel.getByRole('status')).toContainText('All adapters are off');
});

test('kept adapters are merged by keyboard, and the result is held against its parts', async ({ page }) => {
  await open(page, 'fast', '/model');
  await takeSample(page);
  const panel = page.getByRole('region', { name: 'Adapters' });
  await page.evaluate(async () => {
    await window.harness.studio.adapters.getState().keep('ran');
    await window.harness.studio.adapters.getState().keep('ran again');
  });
  await panel.getByText('Merge adapters').focus();
  await page.keyboard.press('Enter');
  const merge = panel.getByRole('button', { name: 'Merge', exact: true });
  await expect(merge).toBeDisabled();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Control+a');
  await page.keyboard.type('0.7');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Control+a');
  await page.keyboard.type('-0.2');
  await panel.getByLabel('Method').selectOption('dare_ties_svd');
  await expect(panel.getByLabel('Density')).toHaveValue('0.5');
  await expect(panel.getByLabel('Rank', { exact: true })).toHaveValue('0');
  await merge.focus();
  await page.keyboard.press('Enter');
  await expect(panel.getByRole('checkbox', { name: 'ran + ran again' })).toBeVisible();
  await panel.getByText('Compare with its parts').click();
  await expect(panel.getByRole('table', { name: /Merged by dare_ties_svd/ })).toContainText('−0.2');
});

test('dropped files are opened under their names', async ({ page }) => {
  await open(page);
  await expect(page.getByRole('group', { name: 'Drop a dataset' })).toBeVisible();
  await page.evaluate(() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File(['{}'], 'train.jsonl'));
    transfer.items.add(new File(['{}'], 'README.md'));
    const target = document.querySelector('[aria-label="Drop a dataset"]')!;
    target.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }));
  });
  await expect(page.getByText('2 files, read as')).toBeVisible();
});

test('text of the data and the model stays text', async ({ page }) => {
  await open(page);
  await takeSample(page);
  await page.getByRole('option').nth(3).click();
  await expect(page.getByRole('article')).toContainText('<b>bold?</b>');
  expect(await page.locator('article img[src="x"]').count()).toBe(0);
  expect(await page.title()).not.toBe('1');
});

test('boxes are drawn over every image of a sample', async ({ page }) => {
  await open(page);
  await takeSample(page);
  const strip = page.getByRole('group', { name: /Pictures of row/ });
  await expect(strip.locator('img')).toHaveCount(3);
  await expect(strip.locator('canvas[data-boxes="1"]')).toHaveCount(1);
  await expect
    .poll(() =>
      strip.locator('canvas[data-boxes="1"]').evaluate((canvas: HTMLCanvasElement) =>
        canvas
          .getContext('2d')!
          .getImageData(0, 0, canvas.width, canvas.height)
          .data.some((v) => v > 0),
      ),
    )
    .toBe(true);
});

test('rows are sorted, filtered and judged at another overlap, by keyboard too', async ({ page }) => {
  await open(page, 'fast');
  await takeSample(page);
  await goTo(page, 'Inspect');
  await page.getByRole('button', { name: 'Answer all 80' }).click();
  await expect(page.getByRole('button', { name: 'All are answered' })).toBeVisible();
  const rows = page.getByRole('listbox', { name: 'Rows' }).getByRole('option');
  const tuned = async () =>
    (await rows.locator('.score:last-child').allTextContents()).map((text) => Number(/[\d.]+$/.exec(text)![0]));
  await page.getByLabel('Order').selectOption({ label: 'Worst IoU first' });
  const worst = await tuned();
  expect(worst.length).toBeGreaterThan(3);
  expect(worst).toEqual(worst.toSorted((a, b) => a - b));
  await page.getByLabel('Order').selectOption({ label: 'Best IoU first' });
  await expect.poll(async () => (await tuned())[0]).toBeGreaterThan(worst[0]!);

  await page.getByRole('combobox', { name: /^Task/ }).selectOption('region');
  await expect.poll(async () => new Set(await rows.locator('.tag').allTextContents())).toEqual(new Set(['region']));
  const score = page.locator('.gallery-score');
  const hits = async () => Number(/Tuned (\d+) of/.exec((await score.textContent())!)![1]);
  const before = await hits();
  await page.getByRole('heading', { level: 1 }).click();
  for (let i = 0; i < 8; i++) await page.keyboard.press('+');
  await expect(page.getByRole('slider', { name: /^A hit from IoU/ })).toHaveValue('0.9');
  expect(await hits()).toBeLessThan(before);
  for (let i = 0; i < 16; i++) await page.keyboard.press('-');
  await expect(page.getByRole('slider', { name: /^A hit from IoU/ })).toHaveValue('0.1');
  expect(await hits()).toBeGreaterThanOrEqual(before);
  await page.getByLabel('Outcome').selectOption({ label: 'Both miss' });
  const missed = await rows.count();
  for (const line of await rows.locator('.score').all()) await expect(line).toHaveAttribute('data-hit', 'false');
  expect(missed).toBeLessThan(16);
});

for (const width of [900, 1280, 1920, 3840])
  test(`no room is wider than the window, ${width} pixels`, async ({ page }) => {
    await page.setViewportSize({ width, height: 900 });
    await open(page, 'fast');
    await takeSample(page);
    await finishRun(page);
    for (const room of ['Projects', 'Data', 'Model', 'Recipe', 'Run', 'Inspect', 'Try', 'Export']) {
      await page.getByRole('link', { name: new RegExp(`^${room}`) }).click();
      await expect(page.getByRole('heading', { level: 1 })).toHaveText(new RegExp(`^${room}`));
      const tabs = await page.getByRole('tab').all();
      for (const tab of tabs.length > 0 ? tabs : [null]) {
        await tab?.click();
        const over = await page.evaluate(() => {
          const scrollers = [document.documentElement, document.getElementById('main')!];
          return scrollers.map(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth);
        });
        expect.soft(over, `${room} ${(await tab?.textContent()) ?? ''}`).toEqual([0, 0]);
      }
    }
  });

test('the digits of a box show their loss on its edges and in a table, for either policy', async ({ page }) => {
  await open(page);
  await takeSample(page);
  await goTo(page, 'Inspect');
  const canvas = page.getByRole('group', { name: /Pictures of row/ }).locator('canvas[data-boxes="1"]');
  const pixels = () => canvas.evaluate((element: HTMLCanvasElement) => element.toDataURL());
  await expect(canvas).toHaveCount(1);
  await page.keyboard.press('h');
  const table = page.getByRole('region', { name: 'Loss of each digit' }).getByRole('row');
  await expect(table).toHaveCount(5);
  await expect(table.nth(1)).toContainText(/Left, x1\d* ?\d[\d.]* %/);
  expect(await faults(page, '.coordinate-heat')).toEqual([]);
  const tuned = await pixels();
  await page.getByRole('group', { name: 'Policy of the heat' }).getByText('Base').click();
  await expect.poll(pixels).not.toBe(tuned);
  await page.getByRole('button', { name: 'Next row' }).click();
  await expect(table).toHaveCount(0);
});

test('a lost engine says what happened, what is safe and what to do', async ({ page }) => {
  await open(page);
  await takeSample(page);
  await page.evaluate(() => window.harness.transport.die());
  const alert = page.getByRole('alert').first();
  await expect(alert).toContainText('The engine stopped');
  await expect(alert).toContainText('are safe');
  await expect(alert).toContainText('Reload the page');
});

test('where the system sets the colours, what is chosen is told by a line and values keep theirs', async ({ page }) => {
  await page.emulateMedia({ forcedColors: 'active' });
  await open(page, 'fast', '/run');
  await takeSample(page);
  await finishRun(page);
  const outline = (locator: ReturnType<Page['locator']>) =>
    locator.evaluate((element) => getComputedStyle(element).outlineStyle);
  expect(await outline(page.getByRole('link', { name: /^Run/ }))).toBe('solid');
  expect(await outline(page.getByRole('tab', { name: 'Curves' }))).toBe('solid');
  expect(await outline(page.getByRole('tab', { name: /^Groups/ }))).toBe('none');
  expect(await outline(page.locator('.choice input:checked + span').first())).toBe('solid');
  const colours = await page
    .locator('.chart-legend')
    .filter({ hasText: 'reward std' })
    .locator('i')
    .evaluateAll((all) => all.map((element) => getComputedStyle(element).backgroundColor));
  expect(new Set(colours).size).toBe(2);
});

test('leaving a run is warned about', async ({ page }) => {
  await open(page);
  await takeSample(page);
  const warns = () => page.evaluate(() => !dispatchEvent(new Event('beforeunload', { cancelable: true })));
  expect(await warns()).toBe(false);
  await page.evaluate(() =>
    window.harness.studio.run.getState().start('fake', window.harness.studio.recipe.getState().recipe),
  );
  await expect.poll(warns).toBe(true);
});

/**
 * Longest task of the page's main thread in `work`, in milliseconds of processor time. The clock on the wall would
 * measure the machine's other programs as well.
 */
async function longestTask(browser: Browser, page: Page, work: () => Promise<unknown>): Promise<number> {
  await browser.startTracing(page, { categories: ['toplevel', 'devtools.timeline', '__metadata'] });
  await work();
  const trace = JSON.parse((await browser.stopTracing()).toString()) as {
    traceEvents: { name: string; ph: string; pid: number; tid: number; tdur?: number; args: { name?: string } }[];
  };
  const mains = new Set(
    trace.traceEvents
      .filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid}/${tid}`),
  );
  const tasks = trace.traceEvents.filter(
    ({ name, pid, tid, tdur }) => name.endsWith('RunTask') && tdur !== undefined && mains.has(`${pid}/${tid}`),
  );
  expect(tasks.length).toBeGreaterThan(50);
  return Math.max(...tasks.map(({ tdur }) => tdur! / 1000));
}

test('a storm of events does not freeze the page', async ({ page, browser }) => {
  await open(page, '', '/run');
  await takeSample(page);
  await page.evaluate(() =>
    window.harness.studio.run.getState().start('fake', window.harness.studio.recipe.getState().recipe, true),
  );
  const storm = (bursts: number, from: number) =>
    page.evaluate(
      async ([bursts, from]) => {
        const { transport } = window.harness;
        let step = from!;
        for (let burst = 0; burst < bursts!; burst++) {
          for (let i = 0; i < 150; i++) {
            step++;
            transport.emit({
              type: 'metrics',
              stageIndex: 1,
              step,
              values: {
                loss: Math.sin(step),
                reward: step,
                kl: 1 / step,
                entropy: 1,
                grad_norm: 2,
                'completions/mean_length': 3,
              },
            });
            transport.emit({ type: 'progress', stageIndex: 1, done: step, total: 10000, unit: 'steps', etaSeconds: 1 });
          }
          await new Promise((resolve) => setTimeout(resolve, 33));
        }
        await new Promise((resolve) => setTimeout(resolve, 800));
      },
      [bursts, from],
    );
  await storm(2, 0);
  await expect(page.getByRole('region', { name: 'Loss' })).toBeVisible();
  expect(await longestTask(browser, page, () => storm(58, 300))).toBeLessThan(50);
  await expect(page.getByRole('region', { name: 'Loss' })).toHaveAttribute('data-points', '9000');
});

test('a spike of one step among ten thousand stays in the table of the curve', async ({ page }) => {
  await open(page, '', '/run');
  await takeSample(page);
  await page.evaluate(() =>
    window.harness.studio.run.getState().start('fake', window.harness.studio.recipe.getState().recipe, true),
  );
  await page.evaluate(() => {
    for (let step = 1; step <= 10_000; step++)
      window.harness.transport.emit({
        type: 'metrics',
        stageIndex: 1,
        step,
        values: { loss: step === 7777 ? 123 : step === 5000 ? NaN : 1 },
      });
  });
  await page.getByRole('button', { name: 'Table of Loss' }).click();
  await expect(page.getByRole('rowheader', { name: '7777' })).toBeVisible();
  await expect(page.getByRole('row', { name: '7777 123' })).toBeVisible();
  await expect(page.getByRole('row', { name: '5000 NaN' })).toBeVisible();
});
