/**
 * A run in the product is killed at random moments in every way a browser knows, and ends as one that was left alone:
 * the same curves, groups, verdicts and evaluation to the last bit, and the same adapter.
 *
 * GROUNDWORK_SOAK=5 kills five times as often.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { expect, test, type BrowserContext, type Page } from '@playwright/test';
import { unzipSync } from 'fflate';
import type { Recipe } from '../src/engine/protocol/index.ts';
import { Random } from '../src/base/random.ts';
import { madeZip } from './harness/made-dataset.ts';
import { evaluateStage, grpoStage, mergeStage, rejectionStage, sftStage } from '../src/engine/presets.ts';
import { signalPages } from './harness/processes.ts';
import { goTo, runState, takePlan } from './harness/ways.ts';

// Each has a browser context of its own.
test.describe.configure({ mode: 'parallel' });

const KILLS = 6 * Number(process.env['GROUNDWORK_SOAK'] ?? 1);
const sampling = { temperature: 1, topK: 0, topP: 1, maxCompletionLength: 64 };
const steady = { ...sftStage().optimizer, learningRate: 1e-3, lrSchedulerType: 'constant', warmupRatio: 0 } as const;

/** A low threshold leaves prompts of middling difficulty after so short a cold start. */
const plan: Recipe = {
  name: 'Short of everything',
  seed: 7,
  stages: [
    sftStage({
      maxSteps: 4,
      perDeviceTrainBatchSize: 2,
      optimizer: steady,
      lora: { ...sftStage().lora, r: 4, loraAlpha: 8 },
    }),
    mergeStage(),
    rejectionStage({ limit: 4, numGenerations: 6, sampling, iouThreshold: 0.01, batchSize: 2 }),
    grpoStage({
      maxSteps: 3,
      promptsPerStep: 1,
      numGenerations: 4,
      sampling,
      optimizer: steady,
      lora: { ...grpoStage().lora, r: 4, loraAlpha: 8 },
    }),
    evaluateStage({ limit: 4, batchSize: 2, maxCompletionLength: 24 }),
  ],
};

/** A page that saves after every step, and whose questions about leaving are answered with yes. */
async function openPage(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  page.on('dialog', (dialog) => void dialog.accept().catch(() => undefined));
  await page.addInitScript(() => {
    Reflect.deleteProperty(window, 'showSaveFilePicker');
    localStorage.setItem('groundwork.keep', '{"everySteps":1,"everyMinutes":1,"keepLast":2}');
  });
  await page.goto('.');
  return page;
}

async function start(page: Page, recipe: Recipe = plan): Promise<void> {
  await page
    .getByRole('button', { name: /sample/i })
    .first()
    .click();
  await expect(page.getByRole('option', { selected: true })).toBeVisible({ timeout: 60_000 });
  await goTo(page, 'Model');
  await page.getByRole('button', { name: 'Load the starter' }).click();
  await expect(page.getByRole('region', { name: 'Loaded model' })).toBeVisible({ timeout: 120_000 });
  await goTo(page, 'Recipe');
  await takePlan(page, recipe);
  await expect(page.getByRole('textbox', { name: 'Name', exact: true })).toHaveValue(recipe.name);
  await page.getByRole('button', { name: 'Start the run' }).click();
  await expect(runState(page)).toBeVisible({ timeout: 60_000 });
}

interface Outcome {
  readonly told: readonly unknown[];
  readonly adapter: Readonly<Record<string, string>>;
}

/** What the run's log in the browser's database says, and digests of the adapter's files. */
async function outcome(page: Page): Promise<Outcome> {
  const told = await page.evaluate(async () => {
    const db = await new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open('groundwork');
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error!);
    });
    const pieces = await new Promise<{ from: number; entries: Record<string, unknown>[] }[]>((resolve) => {
      const request = db.transaction('log').objectStore('log').getAll();
      request.onsuccess = () => resolve(request.result as never);
    });
    db.close();
    return pieces
      .sort((a, b) => a.from - b.from)
      .flatMap(({ entries }) => entries)
      .filter(({ type }) => ['metrics', 'group', 'rejection', 'evaluation'].includes(type as string))
      .map((event) => {
        if (event['type'] !== 'metrics') return event;
        const { step_time: _, ...values } = event['values'] as Record<string, number>;
        return { ...event, values };
      });
  });
  await goTo(page, 'Export');
  const [download] = await Promise.all([
    page.waitForEvent('download', { timeout: 120_000 }),
    page.getByRole('button', { name: 'Write the adapter' }).click(),
  ]);
  const files = unzipSync(new Uint8Array(await readFile(await download.path())));
  const adapter = Object.entries(files).map(([path, bytes]) => [
    path,
    createHash('sha256').update(bytes).digest('hex'),
  ]);
  return { told, adapter: Object.fromEntries(adapter) as Record<string, string> };
}

async function finish(page: Page): Promise<Outcome> {
  await expect(runState(page)).toHaveText(/^(Finished|Failed)/, { timeout: 600_000 });
  await expect(runState(page), (await page.getByRole('alert').allTextContents()).join(' ')).toHaveText(/^Finished/);
  return outcome(page);
}

async function finished(page: Page): Promise<boolean> {
  const state = runState(page);
  return (await state.isVisible()) && ((await state.textContent()) ?? '').startsWith('Finished');
}

/** Presses Resume when the studio offers it, having said what is safe. */
async function resume(page: Page): Promise<void> {
  const note = page.getByRole('status', { name: 'Interrupted run' });
  await expect(note).toContainText(/Its last checkpoint is safe|It had no checkpoint yet/, {
    timeout: 60_000,
  });
  await note.getByRole('button', { name: 'Resume' }).click({ timeout: 120_000 });
  await expect(runState(page)).toHaveText(/^(Running|Finished)/, { timeout: 120_000 });
}

type Kill = (page: Page, context: BrowserContext) => Promise<Page>;

const KILLERS: readonly (readonly [name: string, kill: Kill])[] = [
  [
    'the page is reloaded',
    async (page) => {
      await page.reload();
      await resume(page);
      return page;
    },
  ],
  [
    'the tab is closed',
    async (page, context) => {
      await page.close();
      const next = await openPage(context);
      await resume(next);
      return next;
    },
  ],
  [
    'the worker is terminated',
    async (page) => {
      await page.workers()[0]!.evaluate(() => self.close());
      await expect(page.getByText('The engine stopped and was started again').first()).toBeAttached({
        timeout: 60_000,
      });
      await expect(runState(page)).toHaveText(/^(Running|Finished)/, { timeout: 120_000 });
      return page;
    },
  ],
  [
    'the device is destroyed',
    async (page) => {
      // At the next thing that is asked of it; if the run ends first, that is its end.
      const destroyed = page.workers()[0]!.evaluate(
        () =>
          new Promise<void>((resolve) => {
            const device = (globalThis as unknown as { GPUDevice: { prototype: Record<string, unknown> } }).GPUDevice;
            const create = device.prototype['createCommandEncoder'] as (...args: unknown[]) => unknown;
            device.prototype['createCommandEncoder'] = function (this: { destroy(): void }, ...args: unknown[]) {
              device.prototype['createCommandEncoder'] = create;
              this.destroy();
              resolve();
              return create.apply(this, args);
            };
            setTimeout(resolve, 10_000);
          }),
      );
      await destroyed;
      return page;
    },
  ],
];

test('killed again and again, a run ends as if it had been left alone', async ({ browser }) => {
  test.setTimeout(1_800_000 * Math.max(1, KILLS / 6));
  const alone = await browser.newContext();
  const quiet = await openPage(alone);
  await start(quiet);
  const expected = await finish(quiet);
  await alone.close();
  expect(expected.told.length).toBeGreaterThan(10);

  const context = await browser.newContext();
  const random = new Random(Number(process.env['GROUNDWORK_SEED'] ?? 17));
  let page = await openPage(context);
  await start(page);
  const done: string[] = [];
  // Every way of killing comes before any comes again.
  let ways: (typeof KILLERS)[number][] = [];
  while (done.length < KILLS && !(await finished(page))) {
    if (ways.length === 0) ways = random.shuffle([...KILLERS]);
    const [name, kill] = ways.pop()!;
    await page.waitForTimeout(random.below(4000));
    if (await finished(page)) break;
    page = await kill(page, context);
    done.push(name);
  }
  const outcome = await finish(page);
  console.log(`kills: ${done.join(', ')}`);
  expect(done.length).toBeGreaterThanOrEqual(Math.min(4, KILLS));
  expect(outcome.told).toEqual(expected.told);
  expect(outcome.adapter).toEqual(expected.adapter);
  await context.close();
});

/** A few steps of supervised training, one row each. */
const short = (maxSteps: number): Recipe => ({
  ...plan,
  name: 'Short',
  stages: [sftStage({ maxSteps, perDeviceTrainBatchSize: 1, optimizer: steady })],
});

/** Steps of the points that a run has told, in their order. */
const stepsOf = ({ told }: Outcome) => told.map((event) => (event as { step?: number }).step);

// Playwright holds its pages visible, and a visible page is never frozen by `Page.setWebLifecycleState`: its process is.
test('a tab that was frozen goes on with its run, and says that the machine slept', async ({ context, browser }) => {
  test.skip(process.platform === 'win32', 'there is no SIGSTOP');
  test.setTimeout(600_000);
  const page = await openPage(context);
  await start(page, short(12));
  const words = page.getByRole('progressbar', { name: /Supervised/ });
  await expect(words).toHaveAttribute('aria-valuetext', /^[1-9]\d* of 12 steps/, { timeout: 120_000 });
  await signalPages(browser, 'SIGSTOP');
  await new Promise((resolve) => setTimeout(resolve, 4000));
  await signalPages(browser, 'SIGCONT');
  // The rest of a long night, for the worker's clock.
  await page.workers()[0]!.evaluate(() => {
    const now = Date.now.bind(Date);
    Date.now = () => now() + 7 * 3_600_000;
  });
  await expect(runState(page)).toContainText('For 420 minutes nothing ran', { timeout: 60_000 });
  await expect(runState(page)).toContainText('The run continues');
  await expect(runState(page)).toHaveText(/^Finished/, { timeout: 300_000 });
  await expect(page.getByRole('alert')).toHaveCount(0);
  expect(stepsOf(await outcome(page))).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
});

test.describe('where room is short', () => {
  // The page's own copy for use without a network counts, too, and comes at a time of its own.
  test.use({ serviceWorkers: 'block' });

  test('a full disk holds the run, and its last checkpoint outlives a reload', async ({ context }) => {
    test.setTimeout(600_000);
    const page = await openPage(context);
    const devtools = await context.newCDPSession(page);
    const allow = (bytes?: number) =>
      devtools.send('Storage.overrideQuotaForOrigin', {
        origin: new URL(page.url()).origin,
        ...(bytes !== undefined && { quotaSize: bytes }),
      });
    await start(page, short(12));
    const words = page.getByRole('progressbar', { name: /Supervised/ });
    await expect(words).toHaveAttribute('aria-valuetext', /^[3-9]\d* of 12 steps/, { timeout: 120_000 });
    const saveNow = page.getByRole('button', { name: 'Save now' });
    await saveNow.click();
    await expect(saveNow).toBeEnabled({ timeout: 60_000 });
    await allow(100_000);
    const alert = page.getByRole('alert').filter({ hasText: 'storage is full' });
    await expect(alert).toContainText('the run is paused', { timeout: 120_000 });
    await expect(runState(page)).toHaveText(/^Paused/);
    const [, saved] = /The last checkpoint \(step (\d+)\) is safe/.exec((await alert.textContent()) ?? '') ?? [];
    expect(Number(saved)).toBeGreaterThan(0);
    await allow();
    await page.reload();
    await expect(page.getByRole('status', { name: 'Interrupted run' })).toContainText(
      new RegExp(`after ${saved} steps?\\.`),
    );
    await resume(page);
    expect(stepsOf(await finish(page))).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
  });
});

test('after a reload the last run is in view, and what it answered is there', async ({ context }) => {
  test.setTimeout(600_000);
  const page = await openPage(context);
  await start(page, short(3));
  await finish(page);
  await goTo(page, 'Inspect');
  await page.getByRole('button', { name: 'Answer with both' }).click();
  const tuned = page.getByRole('region', { name: 'Tuned answer' });
  await expect(tuned).toContainText(/IoU|No box/, { timeout: 120_000 });
  const said = await tuned.textContent();
  await page.reload();
  await expect(tuned).toHaveText(said!, { timeout: 120_000 });
  await goTo(page, 'Run');
  await expect(runState(page)).toHaveText(/^Finished/);
  await expect(page.getByRole('region', { name: 'Loss', exact: true })).toHaveAttribute('data-points', '3');
  // The policy is there, too, not only its words.
  expect(Object.keys((await outcome(page)).adapter)).toContainEqual(
    expect.stringMatching(/adapter_model\.safetensors$/),
  );
});

test('an interrupted run names the file it needs, takes no other, and resumes once it is open', async ({ context }) => {
  test.setTimeout(1_200_000);
  const page = await openPage(context);
  const archive = {
    name: 'my scenes.zip',
    mimeType: 'application/zip',
    buffer: Buffer.from(await madeZip({ rows: 8, ambiguous: true, faults: true })),
  };
  const choose = (of: Page) => of.locator('input[data-pick="file"]').first().setInputFiles(archive);
  await choose(page);
  const questions = page.getByRole('region', { name: 'To decide before a run' });
  await questions.getByRole('button', { name: 'Skip 3 rows' }).click();
  for (const file of ['train.jsonl', 'val.jsonl']) {
    await expect(questions).toContainText(`How should the boxes of ${file} be read?`);
    await questions.getByRole('button', { name: 'Check and confirm' }).first().click();
    await page.getByRole('button', { name: /^Confirm/ }).click();
    await expect(questions.getByText(`How should the boxes of ${file} be read?`)).toHaveCount(0);
  }
  await goTo(page, 'Model');
  await page.getByRole('button', { name: 'Load the starter' }).click();
  await expect(page.getByRole('region', { name: 'Loaded model' })).toBeVisible({ timeout: 300_000 });
  await goTo(page, 'Recipe');
  await takePlan(page, short(200));
  await page.getByRole('button', { name: 'Start the run' }).click();
  await expect(page.getByRole('progressbar', { name: /Supervised/ })).toHaveAttribute(
    'aria-valuetext',
    /^[3-9]\d* of 200 steps/,
    { timeout: 300_000 },
  );
  await page.reload();

  const note = page.getByRole('status', { name: 'Interrupted run' });
  const go = note.getByRole('button', { name: 'Resume' });
  await expect(note).toContainText('First open the dataset “my scenes.zip” in the Data room again.');
  await expect(go).toBeDisabled();
  await goTo(page, 'Data');
  await page
    .getByRole('button', { name: /sample/i })
    .first()
    .click();
  await page.getByRole('button', { name: 'Open it in “my scenes”' }).click();
  await expect(note).toContainText('but this run needs “my scenes.zip”.', { timeout: 60_000 });
  await expect(go).toBeDisabled();
  await choose(page);
  // What was answered about these files is not asked again, and the model has come back by itself.
  await expect(go).toBeEnabled({ timeout: 300_000 });
  await expect(note).not.toContainText(/First open|but this run/);
  await go.click();
  await expect(runState(page)).toHaveText(/^Running/, { timeout: 300_000 });
});

test('a project comes back as it was left, in one tab at a time', async ({ context }) => {
  test.setTimeout(300_000);
  const page = await openPage(context);
  await page
    .getByRole('button', { name: /sample/i })
    .first()
    .click();
  await expect(page.getByRole('option', { selected: true })).toBeVisible({ timeout: 60_000 });
  const projects = (of: Page) => of.getByRole('link', { name: /^Projects/ });
  await expect(projects(page)).toContainText('Sample dataset');
  await projects(page).click();
  const name = page.getByRole('textbox', { name: 'Name of the open project' });
  await name.fill('Scenes');
  await name.press('Enter');
  await expect(projects(page)).toContainText('Scenes');
  await expect(page.getByRole('region', { name: 'Disk space' })).toContainText(/[\d.]+ MiB of .+ used/);

  const second = await openPage(context);
  await expect(second.getByText('is open in another tab').first()).toBeVisible({ timeout: 30_000 });
  await page.close();
  await second.getByRole('button', { name: 'Try again' }).click();
  await expect(second.getByText('is open in another tab')).toHaveCount(0, { timeout: 30_000 });
  // The sample opens by itself.
  await goTo(second, 'Data');
  await expect(second.getByRole('option', { selected: true })).toBeVisible({ timeout: 60_000 });

  await projects(second).click();
  await second.getByRole('button', { name: 'Duplicate Scenes' }).click();
  await expect(second.getByRole('rowheader', { name: 'Scenes (copy)' })).toBeVisible();
  await second.getByRole('button', { name: 'Delete Scenes (copy)' }).click();
  await second
    .getByRole('group', { name: /^Delete 0 runs/ })
    .getByRole('button', { name: 'Delete' })
    .click();
  await expect(second.getByRole('rowheader', { name: 'Scenes (copy)' })).toHaveCount(0);
});
