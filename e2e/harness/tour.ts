/**
 * The pictures of docs/tour.md and of the README, from the product as `npm start` serves it, with the recorded run of
 * the starter on the sample: `npx tsx e2e/harness/tour.ts`. Writes docs/tour/*.webp and docs/studio.png.
 */
import { mkdirSync } from 'node:fs';
import sharp from 'sharp';
import { openProduct } from './product.ts';

const RUN = 'public/starter/recorded-run.groundwork.json';
mkdirSync('docs/tour', { recursive: true });
const product = await openProduct(4543);
const { page, room } = product;
await page.setViewportSize({ width: 1360, height: 850 });

/** From the stages on: the note above them is not what the picture is about. */
const toStages = () =>
  page.evaluate(() => {
    const [main, track] = [document.getElementById('main')!, document.querySelector<HTMLElement>('.track')!];
    main.scrollTo(0, track.offsetTop - 24);
  });

/** Small enough for a clone: half a page wide, WebP. */
async function shoot(name: string): Promise<void> {
  await page.mouse.move(0, 0);
  await page.waitForFunction(() => [...document.images].every((img) => img.complete && img.naturalWidth > 0));
  await page.waitForTimeout(900);
  const { size } = await sharp(await page.screenshot())
    .resize({ width: 1100 })
    .webp({ quality: 78 })
    .toFile(`docs/tour/${name}.webp`);
  console.log(`docs/tour/${name}.webp: ${size} bytes`);
}

try {
  await product.addSample();
  await page.locator('article img').nth(1).waitFor();
  await page.getByRole('link', { name: /^Model .*parameters/ }).waitFor({ timeout: 120_000 });
  await shoot('data');
  await product.loadStarter();
  await room('Recipe');
  await page.getByRole('button', { name: /^Reinforcement/ }).click();
  await shoot('recipe');
  await page.getByRole('tab', { name: 'As the model sees it' }).click();
  await page.getByRole('region', { name: 'Tokens by loss mask' }).waitFor({ timeout: 60_000 });
  await shoot('as-the-model-sees-it');
  await room('Run');
  await page.locator('input[data-pick="run"]').setInputFiles(RUN);
  await page.getByText('A recorded run.').waitFor();
  await page.getByRole('region', { name: 'Watched rows' }).locator('img').first().waitFor();
  await page.getByRole('region', { name: 'Loss' }).scrollIntoViewIfNeeded();
  await toStages();
  await shoot('curves');
  await page.getByRole('tab', { name: /^Groups/ }).click();
  await page.locator('.completion img').first().waitFor();
  await toStages();
  await shoot('groups');
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.waitForTimeout(1200);
  await sharp(await page.screenshot())
    .png({ palette: true, quality: 90, effort: 9 })
    .toFile('docs/studio.png');
  await page.setViewportSize({ width: 1360, height: 850 });
  await page.getByRole('tab', { name: 'Ledger' }).click();
  await page.getByRole('slider', { name: '1 from IoU' }).fill('0.8');
  await toStages();
  await shoot('ledger');
  await room('Inspect');
  // A sample that was found: its boxes can be told apart from the misses of others in the list.
  for (let tries = 0; tries < 8; tries++) {
    await page.getByRole('button', { name: 'Answer with both' }).click();
    const answers = page.getByRole('region', { name: /answer$/ }).filter({ hasText: 'IoU' });
    await answers.nth(1).waitFor({ timeout: 180_000 });
    if ((await answers.nth(1).textContent())?.includes('✓')) break;
    await page.keyboard.press('ArrowRight');
  }
  await shoot('inspect');
} finally {
  await product.close();
}
