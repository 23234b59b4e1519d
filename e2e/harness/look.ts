/** How a page looks: what axe has against it, in both themes, and photographs for who wants to see it. */
import AxeBuilder from '@axe-core/playwright';
import { expect, test, type Page } from '@playwright/test';

/** What axe has against the page, or a part of it. */
export async function faults(page: Page, part?: string) {
  // For the sake of frames axe joins its findings in a page of its own, which takes longer than finding them.
  const axe = new AxeBuilder({ page }).setLegacyMode(page.frames().length === 1);
  return (await (part === undefined ? axe : axe.include(part)).analyze()).violations;
}

/** Keeps a photograph with the test's results, with GROUNDWORK_PHOTOGRAPHS=1: none of them decides a test. */
export async function photograph(page: Page, name: string): Promise<void> {
  if (process.env['GROUNDWORK_PHOTOGRAPHS']) await page.screenshot({ path: test.info().outputPath(`${name}.png`) });
}

/** Looks at the page in both themes; photographs are of three widths. */
export async function look(page: Page, name: string): Promise<void> {
  for (const theme of ['light', 'dark'] as const) {
    await page.evaluate((to) => (document.documentElement.dataset['theme'] = to), theme);
    expect(await faults(page)).toEqual([]);
    for (const width of [900, 1280, 1920]) {
      await page.setViewportSize({ width, height: 900 });
      await photograph(page, `${name}-${theme}-${width}`);
    }
  }
  await page.setViewportSize({ width: 1280, height: 720 });
}
