import { mkdirSync } from 'node:fs';
import { openProduct } from './e2e/harness/product.ts';
import { madeZip } from './e2e/harness/made-dataset.ts';
mkdirSync('screenshots', { recursive: true });
const product = await openProduct(4604);
const { page } = product;
page.on('console', (m) => m.type() === 'error' && console.log(m.text()));
page.on('pageerror', (e) => console.log(e.stack));
const bad = Buffer.from(await madeZip({ rows: 8, ambiguous: true, faults: true }));
const shot = async (name: string) => {
  for (const [w, h] of [[900, 760], [1440, 900]] as const)
    for (const theme of ['light', 'dark'] as const) {
      if (w === 900 && theme === 'dark') continue;
      await page.setViewportSize({ width: w, height: h });
      await page.emulateMedia({ colorScheme: theme });
      await page.waitForTimeout(500);
      await page.screenshot({ path: `screenshots/d-${name}-${w}-${theme}.png` });
    }
};
await shot('empty');
await page.locator('input[data-pick="file"]').first().setInputFiles({ name: 'my set.zip', mimeType: 'application/zip', buffer: bad });
await page.getByRole('option', { selected: true }).waitFor({ timeout: 15000 }).catch(async (e) => { console.log(String(e).slice(0,200)); await page.screenshot({ path: 'screenshots/d-fail.png' }); });
await page.waitForTimeout(800);
await shot('bad-rows');
for (const tab of ['Issues', 'Health', 'Coordinates', 'Format and split']) {
  await page.getByRole('tab', { name: tab }).click();
  await page.waitForTimeout(700);
  await shot('bad-' + tab.split(' ')[0].toLowerCase());
}
await product.close();
