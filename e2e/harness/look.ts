/** How a page looks: what axe has against it, in both themes, and photographs for who wants to see it. */
import AxeBuilder from '@axe-core/playwright';
import { expect, test, type Page } from '@playwright/test';

/** What a theme changes: of a page that was looked at in one, only this has to be looked at in the other. */
const OF_COLOUR = ['color-contrast', 'link-in-text-block'];

/** What axe has against the page, or a part of it. `rules`: of these alone. */
export async function faults(page: Page, part?: string, rules?: string[]) {
  // For the sake of frames axe joins its findings in a page of its own, which takes longer than finding them.
  const axe = new AxeBuilder({ page }).setLegacyMode(page.frames().length === 1);
  if (rules) axe.withRules(rules);
  return (await (part === undefined ? axe : axe.include(part)).analyze()).violations;
}

/** What axe has against the page in both themes, which it is left in the first of. */
export async function faultsInBoth(page: Page) {
  const inTheme = async (theme: 'light' | 'dark', rules?: string[]) => {
    await page.evaluate((to) => (document.documentElement.dataset['theme'] = to), theme);
    return (await faults(page, undefined, rules)).map((violation) => ({ theme, ...violation }));
  };
  const dark = await inTheme('dark', OF_COLOUR);
  return [...dark, ...(await inTheme('light'))];
}

/** Keeps a photograph with the test's results, with GROUNDWORK_PHOTOGRAPHS=1: none of them decides a test. */
export async function photograph(page: Page, name: string): Promise<void> {
  if (process.env['GROUNDWORK_PHOTOGRAPHS']) await page.screenshot({ path: test.info().outputPath(`${name}.png`) });
}

/** Looks at the page in both themes; photographs are of three widths. */
export async function look(page: Page, name: string): Promise<void> {
  expect(await faultsInBoth(page)).toEqual([]);
  if (!process.env['GROUNDWORK_PHOTOGRAPHS']) return;
  for (const theme of ['light', 'dark'] as const) {
    await page.evaluate((to) => (document.documentElement.dataset['theme'] = to), theme);
    for (const width of [900, 1280, 1920]) {
      await page.setViewportSize({ width, height: 900 });
      await photograph(page, `${name}-${theme}-${width}`);
    }
  }
  await page.setViewportSize({ width: 1280, height: 720 });
}
