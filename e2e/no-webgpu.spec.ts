/** A browser without WebGPU gets an explanation, never a blank page. */
import { expect, test } from '@playwright/test';
import { faults } from './harness/look.ts';

test('without WebGPU the page says why and what to do', async ({ page }) => {
  await page.addInitScript(() => Reflect.deleteProperty(Navigator.prototype, 'gpu'));
  const workers: string[] = [];
  page.on('worker', (worker) => workers.push(worker.url()));
  await page.goto('.');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('This browser has no WebGPU');
  await expect(page.getByRole('heading', { name: 'What to do' })).toBeVisible();
  await expect(page.getByText('Nothing was loaded, sent or stored')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Check again' })).toBeVisible();
  expect(workers).toEqual([]);
  expect(await faults(page)).toEqual([]);
});

test('without WebGPU a recorded run can be looked at, with its pictures', async ({ page }) => {
  await page.addInitScript(() => Reflect.deleteProperty(Navigator.prototype, 'gpu'));
  await page.goto('.');
  await page.getByRole('button', { name: 'Look at the recorded run' }).click();
  await expect(page.getByText('A recorded run.')).toBeVisible();
  await expect(page.getByRole('region', { name: 'Loss' })).toHaveAttribute('data-points', '60');
  const watched = page.getByRole('region', { name: 'Watched rows' });
  await expect(watched).toContainText('after step 60');
  await expect(watched.locator('canvas[data-boxes="1"], canvas[data-boxes="2"]').first()).toBeVisible();
  await expect(watched.locator('img').first()).toBeVisible();
  expect(await faults(page)).toEqual([]);
  await page.getByRole('tab', { name: /^Groups/ }).click();
  await expect(page.getByRole('list', { name: '8 completions' }).locator('img').first()).toBeVisible();
  await page.getByRole('tab', { name: /^Evaluation/ }).click();
  await expect(page.getByRole('row', { name: /^grpo/ })).toContainText('31.7 %');
  // There is nothing here to start.
  await expect(page.getByRole('button', { name: /Start|Pause|Run it again/ })).toHaveCount(0);
  await page.getByRole('button', { name: 'Back to the explanation' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('This browser has no WebGPU');
});

test('with WebGPU but no adapter the page says so', async ({ page }) => {
  // The worker sees the same browser; its own navigator is out of a page script's reach, so the reply is replaced.
  await page.addInitScript(() => {
    class NoAdapterWorker extends EventTarget {
      onmessage: ((event: MessageEvent) => void) | null = null;
      postMessage({ id }: { id: number }): void {
        queueMicrotask(() =>
          this.onmessage?.(
            new MessageEvent('message', {
              data: {
                kind: 'error',
                id,
                code: 'no-adapter',
                message: 'The browser offers no graphics adapter.',
                hint: '',
              },
            }),
          ),
        );
      }
      terminate(): void {}
    }
    Object.assign(window, { Worker: NoAdapterWorker });
  });
  await page.goto('.');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('No graphics adapter was found');
});
