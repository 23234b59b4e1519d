/** Twenty kills of `npm run torture`: the run that was killed ends as the one that was left alone, to the last bit. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Campaign } from '../../tools/torture/campaign.ts';
import { KILLS_A_RUN, killsOf, WAYS } from '../../tools/torture/kills.ts';
import { PLAN } from '../../tools/torture/plan.ts';
import { KINDS } from '../../src/train/stages/index.ts';

let campaign: Campaign;
beforeAll(async () => {
  campaign = await Campaign.open();
});
afterAll(() => campaign.close());

test('what is tortured has a stage of every kind, and learns something', () => {
  expect(KINDS.filter((kind) => !PLAN.stages.some((stage) => stage.kind === kind))).toEqual([]);
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

test('the seed alone decides the kills, and all ways come', () => {
  const kills = Array.from({ length: 50 }, (_, run) => killsOf(3, run)).flat();
  expect(kills).toEqual(Array.from({ length: 50 }, (_, run) => killsOf(3, run)).flat());
  expect(new Set(kills.map(({ way }) => way))).toEqual(new Set(Object.keys(WAYS)));
  const halves = [0, 1].map((half) => kills.filter(({ at }) => Math.floor(2 * at) === half).length);
  expect(halves[0]).toBe(halves[1]);
});

test('killed twenty times in every way, a run ends as if it had been left alone', async () => {
  const { kills, faults } = await campaign.run(1, 0);
  expect(faults).toEqual([]);
  expect(kills).toHaveLength(KILLS_A_RUN);
  expect(kills.filter(({ fired }) => fired).length).toBeGreaterThan(KILLS_A_RUN / 2);
});
