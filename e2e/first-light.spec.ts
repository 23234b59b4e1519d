/**
 * The whole road in the product as users get it: drop a dataset, load the starter, run a short plan of every stage,
 * see it learn, take the adapter away, and find in it what was learned.
 */
import { readFile } from 'node:fs/promises';
import { expect, test, type Page } from '@playwright/test';
import { unzipSync } from 'fflate';
import { grpoStage, mergeStage, rejectionStage, sftStage } from '../src/engine/presets.ts';
import { readSafetensors, type Tensor } from './safetensors.ts';
import { goTo, runState, takePlan } from './harness/ways.ts';

const MODULES = ['down_proj', 'gate_proj', 'k_proj', 'o_proj', 'q_proj', 'up_proj', 'v_proj'];

const steady = { ...sftStage().optimizer, lrSchedulerType: 'constant', warmupRatio: 0, weightDecay: 0 } as const;
const sampling = { temperature: 1, topK: 0, topP: 1, maxCompletionLength: 64 };

/** The starter finds the right image more often than the box: a low threshold leaves prompts of middling difficulty. */
const plan = {
  name: 'First light',
  seed: 7,
  stages: [
    sftStage({
      name: 'Cold start',
      maxSteps: 4,
      perDeviceTrainBatchSize: 2,
      optimizer: { ...steady, learningRate: 1e-3 },
      lora: { ...sftStage().lora, r: 4, loraAlpha: 8 },
    }),
    mergeStage(),
    rejectionStage({ limit: 4, numGenerations: 6, sampling, iouThreshold: 0.01, batchSize: 2 }),
    grpoStage({
      maxSteps: 2,
      promptsPerStep: 1,
      numGenerations: 4,
      sampling,
      optimizer: { ...steady, learningRate: 1e-3 },
      lora: { ...grpoStage().lora, r: 4, loraAlpha: 8 },
    }),
  ],
};

/** Drops a file of the repository on the page, as from the desktop, under a name the product does not know. */
async function drop(page: Page, target: string, path: string, name: string): Promise<void> {
  const base64 = (await readFile(path)).toString('base64');
  await expect(page.getByRole('group', { name: target })).toBeVisible();
  await page.evaluate(
    async ({ target, name, base64 }) => {
      const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
      const transfer = new DataTransfer();
      transfer.items.add(new File([bytes], name, { type: 'application/zip' }));
      document
        .querySelector(`[aria-label="${target}"]`)!
        .dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }));
    },
    { target, name, base64 },
  );
}

/** Takes the adapter away through the Export room, and reads the zip. */
async function takeAdapter(page: Page): Promise<{ config: Record<string, unknown>; tensors: Map<string, Tensor> }> {
  await goTo(page, 'Export');
  const [download] = await Promise.all([
    page.waitForEvent('download', { timeout: 120_000 }),
    page.getByRole('button', { name: 'Write the adapter' }).click(),
  ]);
  const files = unzipSync(new Uint8Array(await readFile(await download.path())));
  const find = (name: string) => Object.entries(files).find(([path]) => path.split('/').at(-1) === name)![1];
  return {
    config: JSON.parse(new TextDecoder().decode(find('adapter_config.json'))) as Record<string, unknown>,
    tensors: readSafetensors(find('adapter_model.safetensors')),
  };
}

/** Every language layer has all seven modules, each with A and B, and nothing else is in the file. */
function expectEveryModule(tensors: Map<string, Tensor>, layers: number): void {
  const byLayer = new Map<number, Set<string>>();
  for (const name of tensors.keys()) {
    const match = /^base_model\.model\..*layers\.(\d+)\.(?:self_attn|mlp)\.(\w+)\.lora_([AB])\.weight$/.exec(name);
    expect(match, `${name} is a LoRA tensor of a language layer`).not.toBeNull();
    const layer = Number(match![1]);
    byLayer.set(layer, (byLayer.get(layer) ?? new Set()).add(`${match![2]}.${match![3]}`));
  }
  expect([...byLayer.keys()].sort((a, b) => a - b)).toEqual(Array.from({ length: layers }, (_, i) => i));
  for (const found of byLayer.values())
    expect([...found].sort()).toEqual(MODULES.flatMap((module) => [`${module}.A`, `${module}.B`]).sort());
}

interface LongTasks {
  longTasks: number[];
}

/** Notes how long the page's thread was held; shown, not asserted: on a loaded machine it tells of the machine. */
const watchLongTasks = (page: Page) =>
  page.addInitScript(() => {
    const { longTasks } = Object.assign(window as unknown as LongTasks, { longTasks: [] as number[] });
    new PerformanceObserver((list) => longTasks.push(...list.getEntries().map((e) => Math.round(e.duration)))).observe({
      type: 'longtask',
    });
  });
const longTasks = async (page: Page) =>
  (await page.evaluate(() => (window as unknown as LongTasks).longTasks)).map((ms) => `${ms} ms`).join(', ') || 'none';

const isFinite = ({ values }: Tensor) => values.every(Number.isFinite);
const isZero = ({ values }: Tensor) => values.every((v) => v === 0);
const differs = (a: Tensor, b: Tensor) => a.values.some((v, i) => v !== b.values[i]);

test('from a dropped dataset to an adapter that has learned', async ({ page, baseURL }) => {
  test.setTimeout(600_000);
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  const elsewhere: string[] = [];
  page.context().on('request', (request) => {
    const url = request.url();
    if (!/^(blob|data):/.test(url) && !url.startsWith(baseURL!)) elsewhere.push(url);
  });
  // A picker of the system cannot be clicked by a test; without it the page downloads.
  await page.addInitScript(() => Reflect.deleteProperty(window, 'showSaveFilePicker'));
  await watchLongTasks(page);
  await page.goto('.');

  await drop(page, 'Drop a dataset', 'public/starter/sample.zip', 'my-own-scenes.zip');
  await expect(page.getByRole('option', { selected: true })).toContainText('1', { timeout: 60_000 });
  const strip = page.getByRole('group', { name: /Pictures of row/ });
  await expect(strip.locator('canvas[data-boxes="1"]').first()).toBeVisible();
  await expect.poll(() => strip.locator('img').count()).toBeGreaterThan(1);

  await goTo(page, 'Model');
  await page.getByRole('button', { name: 'Load the starter' }).click();
  const loaded = page.getByRole('region', { name: 'Loaded model' });
  await expect(loaded).toBeVisible({ timeout: 120_000 });
  const layers = Number(await loaded.locator('dt:text-is("Layers") + dd').textContent());
  expect(layers).toBeGreaterThan(0);

  await goTo(page, 'Recipe');
  await takePlan(page, plan);
  await expect(page.getByRole('textbox', { name: 'Name', exact: true })).toHaveValue('First light');
  await page.evaluate(() => void ((window as unknown as LongTasks).longTasks.length = 0));
  await page.getByRole('button', { name: 'Start paused' }).click();

  const controls = page.getByRole('group', { name: 'Run controls', exact: true });
  const loss = page.getByRole('region', { name: 'Loss', exact: true });
  const step = async (points: string) => {
    await controls.getByRole('button', { name: 'Step' }).click();
    await expect(loss).toHaveAttribute('data-points', points, { timeout: 120_000 });
    await expect(controls.getByRole('button', { name: 'Resume' })).toBeEnabled({ timeout: 60_000 });
  };
  await expect(controls.getByRole('button', { name: 'Step' })).toBeEnabled({ timeout: 60_000 });

  // After one step A is as it was drawn (B was 0, so A had no gradient); after two it has moved.
  await step('1');
  const first = await takeAdapter(page);
  await goTo(page, 'Run');
  await step('2');
  const second = await takeAdapter(page);
  expectEveryModule(first.tensors, layers);
  expect(first.config).toMatchObject({ peft_type: 'LORA', r: 4 });
  for (const [name, tensor] of second.tensors) {
    expect(isFinite(tensor), `${name} is finite`).toBe(true);
    expect(isZero(tensor), `${name} is not zero`).toBe(false);
    expect(differs(tensor, first.tensors.get(name)!), `${name} moved in the second step`).toBe(true);
  }

  await goTo(page, 'Run');
  await controls.getByRole('button', { name: 'Resume' }).click();
  const state = runState(page);
  await expect(state).toHaveText(/^(Finished|Failed)/, { timeout: 400_000 });
  await expect(state, (await page.getByRole('alert').allTextContents()).join(' ')).toHaveText(/^Finished/);

  // The curve has its points, and they move.
  await expect.poll(async () => Number(await loss.getAttribute('data-points'))).toBeGreaterThanOrEqual(6);
  await page.getByRole('button', { name: 'Table of Loss' }).click();
  const values = await page.getByRole('region', { name: 'Loss, numbers' }).getByRole('cell').allTextContents();
  expect(new Set(values).size).toBeGreaterThan(2);

  await page.getByRole('tab', { name: /^Rejection sampling \(4\)/ }).click();
  await expect(page.getByRole('group', { name: 'Verdicts' })).toBeVisible();
  await page.getByRole('tab', { name: /^Groups \(2\)/ }).click();
  await expect(page.getByRole('list', { name: '4 completions' }).getByRole('listitem')).not.toHaveCount(0);
  await expect(page.getByRole('group', { name: 'Boxes of completion 1' }).locator('canvas').first()).toBeVisible();

  console.log(`page thread, tasks over 50 ms while training: ${await longTasks(page)}`);

  const last = await takeAdapter(page);
  expectEveryModule(last.tensors, layers);
  for (const [name, tensor] of last.tensors) {
    expect(isFinite(tensor), `${name} is finite`).toBe(true);
    expect(isZero(tensor), `${name} was taught by reinforcement`).toBe(false);
  }
  expect(problems).toEqual([]);
  expect(elsewhere, 'nothing left the page').toEqual([]);
});
