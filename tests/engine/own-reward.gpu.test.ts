/** A reward of one's own through a live run: in curves, groups and advantages; and code that loops in the middle of it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EngineEvent, Recipe } from '../../src/engine/protocol/index.ts';
import { registerDecoder } from '../../src/image/decode.ts';
import { nodeDecode } from '../../src/image/node-decode.ts';
import { memoryStorage } from '../../src/store/storage.ts';
import { defaultRewards } from '../../src/train/rewards/index.ts';
import { grpoStage, lora, optimizer, sampling } from '../../src/train/stages/index.ts';
import { Attempt } from './interrupted.ts';

const STEPS = 3;
const recipe = (rewardCode: string): Recipe => ({
  name: 'own',
  seed: 11,
  stages: [
    grpoStage({
      lora: lora(4, 8),
      optimizer: optimizer(2e-3, 0, 'constant'),
      maxSteps: STEPS,
      promptsPerStep: 1,
      numGenerations: 4,
      sampling: sampling(24),
      rewardCode,
      // Nothing else tells the completions apart.
      rewardWeights: Object.fromEntries(
        Object.keys(defaultRewards().rewardWeights).map((name) => [name, Number(name === 'own')]),
      ) as ReturnType<typeof defaultRewards>['rewardWeights'],
    }),
  ],
});

const BY_LETTERS = `function reward(completion, row) {
  return [...completion.text].filter((letter) => letter === 'e').length / (1 + row.images);
}`;

const storage = memoryStorage();
let attempt: Attempt;
beforeAll(async () => {
  registerDecoder(nodeDecode);
  attempt = new Attempt(storage);
  await attempt.open();
});
afterAll(() => attempt.session.destroy());

const of = <T extends EngineEvent['type']>(type: T) =>
  attempt.events.filter((event): event is Extract<EngineEvent, { type: T }> => event.type === type);

async function start(rewardCode: string): Promise<string> {
  attempt.events.length = 0;
  const plan = recipe(rewardCode);
  const { runId } = await attempt.session.handle({
    type: 'start',
    dataset: attempt.dataset,
    recipe: plan,
    allowCode: [rewardCode],
    keep: { everySteps: 1 },
  });
  await attempt.session.running;
  return runId;
}

test('code that nobody has allowed is not run', async () => {
  const { dataset } = attempt;
  await expect(
    attempt.session.handle({ type: 'start', dataset, recipe: recipe(BY_LETTERS), keep: { everySteps: 1 } }),
  ).rejects.toMatchObject({ code: 'code-not-allowed' });
});

test('its values are in every group and curve, and the advantages follow them; a loop in a later step ends the run, and what was learned stays', async () => {
  await start(BY_LETTERS);
  expect(attempt.session.state).toBe('finished');
  const groups = of('group');
  expect(groups).toHaveLength(STEPS);
  for (const { completions } of groups)
    for (const { text, rewards, reward } of completions) {
      const letters = [...text].filter((letter) => letter === 'e').length;
      const pictures = letters / rewards['own']! - 1;
      if (letters > 0) expect(pictures).toBeCloseTo(Math.round(pictures), 6);
      else expect(rewards['own']).toBe(0);
      expect(reward).toBeCloseTo(rewards['own']!, 6);
    }
  const apart = groups.find(({ completions }) => new Set(completions.map(({ rewards }) => rewards['own'])).size > 1)!;
  const ranked = apart.completions.toSorted((a, b) => a.rewards['own']! - b.rewards['own']!);
  expect(ranked.at(-1)!.advantage).toBeGreaterThan(ranked[0]!.advantage);
  const curves = of('metrics').filter(({ values }) => 'rewards/own/mean' in values);
  expect(curves).toHaveLength(STEPS);

  // The same plan, whose code loops at the row of the second step.
  const second = groups[1]!.rowId;
  expect(groups[0]!.rowId).not.toBe(second);
  const loops = BY_LETTERS.replace('{', `{ if (row.id === ${JSON.stringify(second)}) for (;;);`);
  const runId = await start(loops);
  expect(attempt.session.state).toBe('failed');
  expect(of('group').map(({ rowId }) => rowId)).toEqual([groups[0]!.rowId]);
  const [record] = (await storage.records.all('runs')).filter(({ id }) => id === runId) as unknown as {
    readonly state: string;
    readonly step: number;
    readonly failure: { readonly code: string; readonly message: string; readonly hint: string };
  }[];
  expect(record).toMatchObject({ state: 'failed', step: 1, failure: { code: 'own-reward' } });
  expect(record!.failure.message).toMatch(/was stopped after/);
  // Its last checkpoint is there, to be looked at and exported.
  const files = await attempt.session.exportFiles({ what: 'adapter', runId });
  expect([...files].map(({ path }) => path)).toContain('adapter_model.safetensors');
});
