/** The run room against a pretended engine: time travel, earlier runs, the ledger, rehearsal, the run file, the proof. */
import { readFile } from 'node:fs/promises';
import { expect, test, type Page } from '@playwright/test';
import { faults } from './harness/look.ts';
import { finishRun, openHarness, takeSample, withoutGpu } from './harness/page.ts';
import { serveHarness, type Served } from './harness/serve.ts';
import { goTo } from './harness/ways.ts';

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
  await page.getByRole('button', { name: 'Release step 10' }).click();
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
  await expect(page.getByRole('button', { name: /^Release step 1\d/ })).toBeVisible();
  await expect(travel).toContainText('after step 10');
});

test('a step is held and a window of steps is chosen by keyboard, and every chart reads the same step', async ({
  page,
}) => {
  await ran(page);
  const tools = page.getByRole('group', { name: 'Curves' });
  const step = tools.getByRole('slider', { name: 'Step' });
  await step.focus();
  await page.keyboard.press('Home');
  for (let i = 0; i < 4; i++) await page.keyboard.press('ArrowRight');
  await expect(step).toHaveAttribute('aria-valuetext', 'step 5');
  const loss = page.getByRole('region', { name: 'Loss', exact: true });
  for (const chart of [loss, page.getByRole('region', { name: 'Accuracy' })])
    await expect(chart.locator('.chart-step')).toHaveText('step 5');
  const held = await loss.locator('.chart-legend b').textContent();
  await tools.getByRole('button', { name: 'Release step 5' }).click();
  await expect(loss.locator('.chart-step')).toHaveCount(0);
  expect(await loss.locator('.chart-legend b').textContent()).not.toBe(held);

  await expect(loss).toHaveAttribute('data-points', '28');
  await tools.getByRole('textbox', { name: 'First step shown' }).fill('6');
  await tools.getByRole('textbox', { name: 'Last step shown' }).fill('12');
  await expect(loss).toHaveAttribute('data-points', '7');
  await tools.getByRole('button', { name: 'Show all steps' }).click();
  await expect(loss).toHaveAttribute('data-points', '28');

  // The pointer on one chart is the crosshair of all of them.
  const plot = loss.locator('.u-over');
  const { width, height } = (await plot.boundingBox())!;
  await plot.hover({ position: { x: width * 0.3, y: height / 2 } });
  const read = await loss.locator('.chart-step').textContent();
  await expect(page.getByRole('region', { name: 'Accuracy' }).locator('.chart-step')).toHaveText(read!);
});

test('a chart without points in the window shows the window, with room for its axes', async ({ page }) => {
  await ran(page);
  const reward = page.getByRole('region', { name: 'Reward', exact: true });
  /** CSS pixels below the plot. */
  const below = () =>
    reward.locator('.u-wrap').evaluate((wrap) => {
      const plot = wrap.querySelector<HTMLElement>('.u-over')!;
      return wrap.clientHeight - plot.offsetTop - plot.offsetHeight;
    });
  await expect(reward).not.toHaveAttribute('data-points', '0');
  await expect.poll(below).toBeGreaterThanOrEqual(20);
  await page.getByRole('textbox', { name: 'Last step shown' }).fill('3');
  await expect(reward).toHaveAttribute('data-points', '0');
  await expect(reward).toContainText('No points in these steps');
  await page.waitForTimeout(300);
  expect(await below()).toBeGreaterThanOrEqual(20);
});

test('along time, the crosshair, the held step and the window stay those of the steps', async ({ page }) => {
  await onHold(page);
  await page.evaluate(() => {
    // Ten quick steps and ten slow ones: 100 s.
    for (let step = 1; step <= 20; step++)
      window.harness.transport.emit({
        type: 'metrics',
        stageIndex: 1,
        step,
        values: { loss: 1 / step, grad_norm: step, step_time: step > 10 ? 9 : 1 },
      });
  });
  const loss = page.getByRole('region', { name: 'Loss', exact: true });
  const norm = page.getByRole('region', { name: 'Gradient norm' });
  await expect(loss).toHaveAttribute('data-points', '20');
  const axis = page.getByRole('group', { name: 'Horizontal axis' });
  await axis.getByRole('radio', { name: 'Time' }).check({ force: true });
  await expect(page.getByText('without pauses, loading and evaluation')).toBeVisible();
  await expect(loss).toHaveAttribute('data-points', '20');
  const plot = loss.locator('.u-over');
  const { width, height } = (await plot.boundingBox())!;
  // Half of the time is three quarters of the steps.
  await plot.hover({ position: { x: width / 2, y: height / 2 } });
  for (const chart of [loss, norm]) await expect(chart.locator('.chart-step')).toHaveText(/step 1[45], (?:46|55) s/);
  await page.mouse.move(0, 0);
  await page.getByRole('slider', { name: 'Step', exact: true }).fill('12');
  for (const chart of [loss, norm]) await expect(chart.locator('.chart-step')).toHaveText('step 12, 28 s');
  await axis.getByRole('radio', { name: 'Steps' }).check({ force: true });
  await expect(loss.locator('.chart-step')).toHaveText('step 12');
  await axis.getByRole('radio', { name: 'Time' }).check({ force: true });

  const box = (await plot.boundingBox())!;
  await page.mouse.move(box.x + width * 0.45, box.y + height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + width * 0.95, box.y + height / 2, { steps: 4 });
  await page.mouse.up();
  const shown = (which: string) => page.getByRole('textbox', { name: `${which} step shown` });
  await expect(shown('First')).toHaveValue('13');
  await expect(shown('Last')).toHaveValue('19');
  for (const chart of [loss, norm]) await expect(chart).toHaveAttribute('data-points', '7');
});

/** Emits points of curves to a run on hold, whose own points do not come in between. */
async function onHold(page: Page): Promise<void> {
  await openHarness(page, served, 'fast', '/run');
  await takeSample(page);
  await page.evaluate(() =>
    window.harness.studio.run.getState().start('fake', window.harness.studio.recipe.getState().recipe, true),
  );
}

test('a logarithmic scale is one: a fall by tenths is a straight line', async ({ page }) => {
  await onHold(page);
  await page.evaluate(() => {
    for (let step = 1; step <= 101; step++)
      window.harness.transport.emit({
        type: 'metrics',
        stageIndex: 1,
        step,
        values: { loss: 10 ** -((step - 1) / 25) },
      });
  });
  const smoothing = page.getByRole('slider', { name: /^Smoothing/ });
  await smoothing.focus();
  await page.keyboard.press('Home');
  const loss = page.getByRole('region', { name: 'Loss', exact: true });
  await expect(loss).toHaveAttribute('data-points', '101');
  /** Height of the drawn curve at a quarter, the half and three quarters of the plot, as shares of the plot. */
  const heights = () =>
    loss.locator('canvas').evaluate((canvas: HTMLCanvasElement) => {
      const plot = canvas.closest('.u-wrap')!.querySelector<HTMLElement>('.u-over')!;
      const [left, top, width, height] = [plot.offsetLeft, plot.offsetTop, plot.offsetWidth, plot.offsetHeight].map(
        (px) => px * devicePixelRatio,
      ) as [number, number, number, number];
      const { data } = canvas.getContext('2d')!.getImageData(left, top, Math.floor(width), Math.floor(height));
      const columns = Math.floor(width);
      const colourful = (i: number) =>
        Math.max(data[i]!, data[i + 1]!, data[i + 2]!) - Math.min(data[i]!, data[i + 1]!, data[i + 2]!);
      return [0.25, 0.5, 0.75].map((share) => {
        const x = Math.floor(columns * share);
        let [best, at] = [0, -1];
        for (let y = 0; y < Math.floor(height); y++) {
          const c = data[(y * columns + x) * 4 + 3]! > 0 ? colourful((y * columns + x) * 4) : 0;
          if (c > best) [best, at] = [c, y];
        }
        return at / height;
      });
    });
  const bend = async () => {
    const [a, b, c] = (await heights()) as [number, number, number];
    return Math.abs((a + c) / 2 - b);
  };
  await expect.poll(bend).toBeGreaterThan(0.1);
  await page.getByText('Log', { exact: true }).click();
  await expect.poll(bend).toBeLessThan(0.02);
});

const ALARMS = {
  'Not a number': { loss: NaN },
  'Completions are truncated': { 'completions/clipped_ratio': 0.9 },
  'Groups with equal rewards': { frac_reward_zero_std: 1 },
  'Entropy collapsed': { entropy: 0.001 },
  'Far from the reference': { kl: 4 },
} as const;

test('every alarm is told with what to try, marked on its chart, and leads to its step', async ({ page }) => {
  await onHold(page);
  const alarms = page.getByRole('status', { name: 'Alarms' });
  const emit = (values: Readonly<Record<string, number>>, from: number, to = from) =>
    page.evaluate(
      ([values, from, to]) => {
        for (let step = from; step <= to; step++)
          window.harness.transport.emit({ type: 'metrics', stageIndex: 1, step, values });
      },
      [values, from, to] as const,
    );
  const healthy = {
    loss: 1,
    'completions/clipped_ratio': 0,
    frac_reward_zero_std: 0.1,
    entropy: 0.6,
    kl: 0.01,
    grad_norm: 1,
    'completions/mean_length': 100,
  };
  await emit(healthy, 1, 30);
  await expect(page.getByRole('region', { name: 'Loss', exact: true })).toHaveAttribute('data-points', '30');
  await page.waitForTimeout(1500);
  await expect(alarms.locator('.alarm-note')).toHaveCount(0);
  await emit({ ...Object.assign({}, ...Object.values(ALARMS)), grad_norm: 40, 'completions/mean_length': 20 }, 31, 36);
  // Folded: the gravest in full, the others by name, all of them by keyboard; the curves stay in sight.
  await expect(alarms.locator('.alarm-note')).toHaveCount(1);
  await expect(alarms.locator('.alarm-note')).toContainText('Not a number.');
  const titles = [...Object.keys(ALARMS), 'Gradient spike', 'Completions shrink'];
  for (const title of titles) await expect(alarms).toContainText(title);
  await page.setViewportSize({ width: 900, height: 700 });
  await expect(page.getByRole('region', { name: 'Loss', exact: true }).locator('.u-over')).toBeInViewport();
  expect(await faults(page, '.alarms')).toEqual([]);
  await alarms.getByRole('button', { name: '6 more alarms', expanded: false }).press('Enter');
  await expect(alarms.locator('.alarm-note')).toHaveCount(titles.length);
  for (const title of titles) {
    const note = alarms.locator('.alarm-note').filter({ hasText: title });
    await expect(note).toContainText('Try:');
    await expect(page.locator('.chart-flaws').filter({ hasText: `▲ ${title}` })).toBeVisible();
  }
  await expect(page.getByRole('region', { name: 'Loss', exact: true })).toContainText('6 not a number');
  await expect(page.getByRole('region', { name: 'Loss', exact: true }).locator('.chart-legend b')).toHaveText('NaN');
  await alarms
    .locator('.alarm-note')
    .filter({ hasText: 'Not a number' })
    .getByRole('button', { name: /^Step 31/ })
    .click();
  await expect(page.getByRole('button', { name: 'Release step 31' })).toBeVisible();
  expect(await faults(page, '.alarms')).toEqual([]);
  await alarms.getByRole('button', { name: 'Show only the most serious', expanded: true }).press('Enter');
  await expect(alarms.locator('.alarm-note')).toHaveCount(1);

  // All is well again; the log remembers.
  await emit(healthy, 37, 90);
  await expect(alarms.locator('.alarm-note')).toHaveCount(0);
  await page.getByRole('tab', { name: 'Alarm log' }).click();
  const log = page.getByRole('region', { name: 'Alarms since the run began' });
  for (const title of titles) await expect(log.getByRole('rowheader', { name: title }).first()).toBeVisible();
  await expect(log.getByRole('row', { name: /Not a number loss/ })).toContainText('31–36');
  expect(await faults(page, 'main')).toEqual([]);
  await log
    .getByRole('row', { name: /Not a number loss/ })
    .getByRole('button')
    .press('Enter');
  await expect(page.getByRole('button', { name: 'Release step 31' })).toBeVisible();
});

test('a group shows its completions side by side with all that was given to each', async ({ page }) => {
  await ran(page);
  await page.evaluate(() => {
    const { run } = window.harness.studio;
    // A rule that does not apply to a row has no value.
    run.setState({
      groups: run.getState().groups.map((group, g) =>
        g === 3
          ? {
              ...group,
              completions: group.completions.map((c) => ({ ...c, rewards: { ...c.rewards, imageIndex: NaN } })),
            }
          : group,
      ),
    });
  });
  await page.getByRole('tab', { name: /^Groups/ }).click();
  const cards = page
    .getByRole('list', { name: '8 completions' })
    .getByRole('listitem')
    .filter({ hasText: /^Completion/ });
  await expect(cards).toHaveCount(8);
  const group = await page.evaluate(() => window.harness.studio.run.getState().groups.at(-1)!);
  for (const [i, completion] of group.completions.entries()) {
    const card = cards.nth(i);
    await expect(card).toContainText(`${completion.tokens} tokens`);
    for (const given of Object.values(completion.rewards))
      await expect(card.locator('.terms')).toContainText(Number.isNaN(given) ? 'does not apply' : given.toFixed(2));
    await expect(card.locator('.terms-sum')).toContainText(completion.reward.toFixed(2));
    await expect(card.locator('.advantage')).toContainText(Math.abs(completion.advantage).toFixed(2));
    if (completion.think) await expect(card.locator('.thought')).toHaveText(completion.think);
    await expect(card.locator('canvas').first()).toBeAttached();
  }
  // Side by side: the first two stand on one line.
  const [one, two] = [await cards.nth(0).boundingBox(), await cards.nth(1).boundingBox()];
  expect(one!.y).toBe(two!.y);
  await page.getByRole('button', { name: 'Earlier group' }).click();
  await expect(page.getByText(/^Step 27, row/)).toBeVisible();
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

test('of runs that are laid over each other the settings that differ are told, and no others', async ({ page }) => {
  await ran(page);
  await finishRun(page);
  await expect(page.getByText('All settings of these runs are the same')).toBeVisible();
  await page.evaluate(() => {
    const { recipe } = window.harness.studio;
    const plan = recipe.getState().recipe;
    const stages = plan.stages.map((stage) =>
      stage.kind === 'sft' ? { ...stage, optimizer: { ...stage.optimizer, learningRate: 0.00042 } } : stage,
    );
    recipe.setState({ recipe: { ...plan, seed: plan.seed + 1, stages } });
  });
  await finishRun(page);
  await page.getByText('2 settings differ between these runs').press('Enter');
  const table = page.getByRole('region', { name: 'Settings that differ' });
  await expect(table.getByRole('row')).toHaveCount(3);
  await expect(table.getByRole('row', { name: /^Seed seed/ })).toBeVisible();
  await expect(table.getByRole('row', { name: /Learning rate learning_rate 0\.00042/ })).toContainText('. Cold start');
  expect(await faults(page, '.settings-compared')).toEqual([]);
  await page.getByRole('checkbox', { name: 'demo-quick, fake-1' }).uncheck();
  await expect(table).toHaveCount(0);
});

test('one curve, or all, of a run and of those laid under it are saved as CSV', async ({ page }) => {
  await ran(page);
  await finishRun(page);
  await expect(page.getByRole('checkbox', { name: 'demo-quick, fake-1' })).toBeChecked();
  const saved = async (button: string) => {
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: button, exact: true }).press('Enter'),
    ]);
    const lines = (await readFile(await download.path(), 'utf8')).trimEnd().split('\r\n');
    return { name: download.suggestedFilename(), lines };
  };
  const loss = await saved('CSV of Loss');
  expect(loss.name).toBe('demo-quick-fake-1-Loss.csv');
  expect(loss.lines[0]).toBe('"run","step","seconds","loss"');
  expect(loss.lines).toHaveLength(1 + 2 * 28);
  expect(loss.lines[1]).toMatch(/^"demo-quick, fake-1",1,[\d.]+,[\d.]+$/);
  expect(loss.lines.at(-1)).toMatch(/^"demo-quick, fake-1",28,/);
  const all = await saved('All curves as CSV');
  expect(all.name).toBe('demo-quick-fake-1-curves.csv');
  expect(all.lines[0]).toContain('"grad_norm"');
  expect(all.lines).toHaveLength(1 + 2 * 28);
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
  for (const term of [/^Format/, /^Box overlap/]) await page.getByRole('slider', { name: term }).fill('0');
  // Nothing is left to tell the completions apart but the right image, whose weight is 0.
  await expect(sums).toContainText(/Under these rules\s*0 of 4 groups/);
  await page.getByRole('slider', { name: /^Right picture/ }).fill('2');
  await expect(page.getByRole('region', { name: 'Groups that change most' }).getByRole('row')).not.toHaveCount(1);
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
  await expect(card).toContainText('The whole recipe');
  await expect(card.getByRole('row')).toHaveCount(9);
  await page.evaluate(() => window.harness.studio.recipe.getState().reseed(9));
  await expect(card).toContainText('The recipe has changed since');
});

test('the run file, dropped back, shows the run again and brings its plan back', async ({ page }) => {
  await page.addInitScript(() => Reflect.deleteProperty(window, 'showSaveFilePicker'));
  await ran(page);
  await goTo(page, 'Export');
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
  await expect(differences).toContainText('It was other-3b, but groundwork-starter is loaded.');
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
  expect(await faults(page, 'dialog')).toEqual([]);
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
  expect(await faults(page, 'dialog')).toEqual([]);
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
  await expect(page.getByText('made 7 more steps')).toBeVisible();
});
