/** What a user does in every story, by the names that a screen reader gives. */
import { expect, type Page } from '@playwright/test';

/** Enters a room by its link, and waits for it: until it is there, the room before it is seen and takes the keys. */
export async function goTo(page: Page, room: string): Promise<void> {
  await page
    .getByRole('complementary', { name: 'Studio' })
    .getByRole('link', { name: new RegExp(`^${room}`) })
    .click();
  await expect(page.getByRole('heading', { level: 1, name: room })).toBeVisible();
}

/** Takes a plan from a file; the Recipe room is open. */
export async function takePlan(page: Page, plan: object): Promise<void> {
  await page.getByRole('tab', { name: 'Recipe as a file' }).click();
  await page.locator('input[data-pick="plan"]').setInputFiles({
    name: 'plan.json',
    mimeType: 'application/json',
    buffer: Buffer.from(JSON.stringify(plan)),
  });
}

/** The engine's worker. It is made from a blob; the one that speaks to Hubs is not. */
export const engineOf = (page: Page) => page.workers().find((worker) => worker.url().startsWith('blob:'))!;

/** The sentence that says how the run stands. */
export const runState = (page: Page) => page.getByRole('region', { name: 'Stages' }).getByRole('status');
