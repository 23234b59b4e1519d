/** Code that a recipe brings along is run by no way before a person has allowed it. */
import { describe, expect, test } from 'vitest';
import { EngineClient } from '../../src/engine/client.ts';
import type { FromEngine, Recipe } from '../../src/engine/protocol/index.ts';
import { grpoStage } from '../../src/engine/presets.ts';
import { SeriesBook } from '../../src/studio/charts/series-book.ts';
import { createCodeConsent } from '../../src/studio/state/code-consent.ts';
import { createRehearsal } from '../../src/studio/state/rehearsal.ts';
import { createRun } from '../../src/studio/state/run.ts';
import { requireAllowed } from '../../src/train/recipe-check.ts';

const CODE = 'function reward() { return 1; }';
const carrying = (rewardCode = CODE): Recipe => ({
  name: 'From elsewhere',
  seed: 1,
  stages: [grpoStage({ rewardWeights: { iou: 1, own: 1 }, rewardCode })],
});

function memory() {
  const kept = new Map<string, string>();
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  };
}

/** A studio's stores over a transport that notes what would reach the engine. */
function setUp(storage = memory()) {
  const sent: { readonly type: string; readonly allowCode?: readonly string[] }[] = [];
  let hear: (message: FromEngine) => void = () => {};
  const client = new EngineClient({
    open: (receive) => void (hear = receive),
    post: ({ id, request }) => {
      sent.push(request as (typeof sent)[number]);
      hear({ kind: 'reply', id, value: { runId: 'r' } });
    },
    close: () => {},
  });
  const consent = createCodeConsent(storage);
  const allowed = (recipe: Recipe) => consent.getState().require(recipe);
  const run = createRun(client, new SeriesBook(), { allowed });
  const rehearsal = createRehearsal(client, allowed);
  return { sent, consent, run, rehearsal, allowed };
}

describe('code from elsewhere', () => {
  test.each(['start', 'rehearse'])('reaches the engine by “%s” only once it was allowed', async (way) => {
    const { sent, consent, run, rehearsal } = setUp();
    const go = way === 'start' ? run.getState().start('d', carrying()) : rehearsal.getState().start('d', carrying());
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(consent.getState().asking).toEqual({ name: 'From elsewhere', codes: [CODE] });
    expect(sent).toEqual([]);
    consent.getState().answer(true);
    void go;
    await expect.poll(() => sent.map(({ type, allowCode }) => [type, allowCode])).toEqual([[way, [CODE]]]);
  });

  test('that was not allowed is not run, it is said, and the run in view stays', async () => {
    const { sent, consent, run } = setUp();
    run.setState({ runId: 'before' });
    const go = run.getState().start('d', carrying());
    consent.getState().answer(false);
    expect(await go).toBe(false);
    expect(sent).toEqual([]);
    expect(run.getState()).toMatchObject({ runId: 'before', failure: { code: 'code-declined' } });
  });

  test('is remembered by its words: the same is not asked about again, another one is', async () => {
    const storage = memory();
    const first = setUp(storage);
    const asked = first.allowed(carrying());
    first.consent.getState().answer(true);
    await asked;
    const later = setUp(storage);
    expect(await later.allowed(carrying())).toEqual([CODE]);
    void later.allowed(carrying(`${CODE} // changed`)).catch(() => undefined);
    expect(later.consent.getState().asking?.codes).toEqual([`${CODE} // changed`]);
  });

  test('of a storage that was tampered with is asked about', () => {
    const storage = memory();
    storage.setItem('groundwork.allowed-code', '{"not": "a list"}');
    const { allowed, consent } = setUp(storage);
    void allowed(carrying()).catch(() => undefined);
    expect(consent.getState().asking).not.toBeNull();
  });
});

test('code that a person writes here is not asked about, and a recipe without any never is', async () => {
  const { consent, allowed } = setUp();
  consent.getState().allow(CODE);
  expect(await allowed(carrying())).toEqual([CODE]);
  expect(await allowed({ name: 'plain', seed: 1, stages: [grpoStage()] })).toEqual([]);
  // Code that has no weight does not run.
  expect(
    await allowed({ name: 'off', seed: 1, stages: [grpoStage({ rewardCode: 'x', rewardWeights: { iou: 1 } })] }),
  ).toEqual([]);
});

test('the engine itself runs no code that was not named to it', () => {
  expect(() => requireAllowed(carrying())).toThrow(expect.objectContaining({ code: 'code-not-allowed' }) as Error);
  expect(() => requireAllowed(carrying(), ['other'])).toThrow(/nobody has allowed/);
  expect(() => requireAllowed(carrying(), [CODE])).not.toThrow();
});
