/**
 * A run in Chromium is killed twenty times, in every way that a browser knows, at moments drawn over its work and inside
 * its writes, and ends as one that was left alone: weights, curves and report to the last bit. GROUNDWORK_SOAK=1 makes
 * the kills; more of them: `npm run torture -- --where browser`.
 */
import { expect, test } from '@playwright/test';
import { BrowserCampaign } from '../tools/torture/browser/campaign.ts';
import { BROWSER_WAYS, KILLS_A_RUN, killsOf, type BrowserWay, type Kill } from '../tools/torture/kills.ts';

test.describe.configure({ mode: 'default' });
test.setTimeout(1_800_000);

const SEED = 1;
/** Minutes of work: not in every `npm test`. */
const LONG = process.env['GROUNDWORK_SOAK'] !== undefined;
let campaign: BrowserCampaign;
test.beforeAll(async () => {
  test.setTimeout(1_800_000);
  campaign = await BrowserCampaign.open();
});
test.afterAll(() => campaign?.close());

test('the run to compare with has learnt something, and was answered for', () => {
  const told = campaign.told as readonly { type: string; values?: Record<string, number> }[];
  expect([...new Set(told.map(({ type }) => type))].toSorted()).toEqual([
    'evaluation',
    'group',
    'metrics',
    'rejection',
    'stage',
  ]);
  expect(Math.max(...told.map(({ values }) => values?.['reward_std'] ?? 0))).toBeGreaterThan(0);
});

test('killed twenty times in Chromium, a run ends as if it had been left alone', async () => {
  test.skip(!LONG, 'GROUNDWORK_SOAK=1 makes the kills');
  const { kills, faults } = await campaign.run(SEED, 0);
  expect(faults).toEqual([]);
  expect(kills).toHaveLength(KILLS_A_RUN);
  expect(kills.filter(({ fired }) => fired).length).toBeGreaterThan(KILLS_A_RUN / 2);
});

test('storage that the browser cleared is told, and the run’s file starts the run anew', async () => {
  test.skip(!LONG, 'GROUNDWORK_SOAK=1 makes the kills');
  const cleared: Kill<BrowserWay> = { number: 0, way: 'cleared', at: 0.4, moment: 'inside', seed: 6 };
  const { kills, faults } = await campaign.killed(SEED, 0, [cleared]);
  expect(faults).toEqual([]);
  expect(kills).toMatchObject([{ way: 'cleared', fired: true }]);
});

test('the seed alone decides the kills, and every way comes', () => {
  const kills = Array.from({ length: 20 }, (_, run) => killsOf(SEED, run, BROWSER_WAYS)).flat();
  expect(new Set(kills.map(({ way }) => way))).toEqual(new Set(Object.keys(BROWSER_WAYS)));
});
