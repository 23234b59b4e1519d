/**
 * How soon the studio shows itself, from the build that `npm start` serves, in a browser that has never seen it:
 * `npx tsx e2e/harness/first-paint.ts [visits]`. Milliseconds from the navigation; the first visit warms the server.
 */
import { openProduct } from './product.ts';

const visits = Number(process.argv[2] ?? 7);
const product = await openProduct(4543);
const columns = { 'first paint': [] as number[], 'largest paint': [] as number[], 'can be used': [] as number[] };
try {
  for (let visit = 0; visit <= visits; visit++) {
    const context = await product.browser.newContext({ viewport: { width: 1440, height: 960 } });
    const page = await context.newPage();
    await page.addInitScript(`
      new PerformanceObserver((list) => (window.largest = list.getEntries().at(-1).startTime))
        .observe({ type: 'largest-contentful-paint', buffered: true });
      new MutationObserver(() => {
        const sample = [...document.querySelectorAll('button')].find((b) => /Start with the sample/.test(b.textContent));
        if (sample && !sample.disabled) window.usable ??= performance.now();
      }).observe(document, { subtree: true, childList: true, attributes: true });
    `);
    await page.goto('http://127.0.0.1:4543/');
    await page.waitForFunction(() => 'usable' in window);
    await page.waitForTimeout(500);
    const seen = await page.evaluate<[number, number, number]>(
      `[performance.getEntriesByName('first-contentful-paint')[0].startTime, window.largest, window.usable]`,
    );
    await context.close();
    if (visit > 0) Object.values(columns).forEach((column, i) => column.push(seen[i]!));
  }
} finally {
  await product.close();
}
for (const [name, times] of Object.entries(columns)) {
  const sorted = times.toSorted((a, b) => a - b).map(Math.round);
  console.log(`${name.padEnd(14)} median ${sorted[sorted.length >> 1]} ms, ${sorted[0]} to ${sorted.at(-1)} ms`);
}
