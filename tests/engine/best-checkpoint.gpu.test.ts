/** Runs that are measured while they learn, killed between any two changes on disk: the same figures, the same best checkpoint, the same early end. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Random } from '../../src/base/random.ts';
import type { Recipe } from '../../src/train/recipe.ts';
import { NOT_MEASURED, type HeldoutSettings } from '../../src/train/stages/heldout.ts';
import { lora, mergeStage, optimizer, sftStage } from '../../src/train/stages/index.ts';
import { FaultyDisk } from '../../tools/torture/faulty-disk.ts';
import type { Kill } from '../../tools/torture/kills.ts';
import { differences } from '../../tools/torture/tortured.ts';
import { Lab, MOST_CHANGES, type Outcome } from '../../tools/torture/lab.ts';
import { writeRows } from '../../tools/torture/plan.ts';

const measured = (name: string, learningRate: number, maxSteps: number, heldout: Partial<HeldoutSettings>) =>
  sftStage({
    name,
    lora: lora(4, 8),
    optimizer: optimizer(learningRate, 0, 'constant'),
    gradientCheckpointing: false,
    maxSteps,
    perDeviceTrainBatchSize: 1,
    maxLength: 0,
    evalSteps: 1,
    evalRows: 1,
    heldout: { ...NOT_MEASURED, limit: 1, maxCompletionLength: 8, ...heldout },
  });

/** The first stage gets better and is kept; the second goes too fast, gets worse, and ends early. */
const RECIPE: Recipe = {
  name: 'measured',
  seed: 3,
  stages: [
    measured('learns', 5e-4, 2, { every: 2, metricForBestModel: 'eval_loss' }),
    mergeStage(),
    measured('spoils', 0.3, 9, { every: 1, metricForBestModel: 'eval_loss', earlyStoppingPatience: 2 }),
  ],
};

let folder: string;
let lab: Lab;
let whole: Outcome;
let units: number;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'groundwork-best-'));
  await writeRows(folder);
  lab = await Lab.open(folder, RECIPE);
  const { finished, faults } = await lab.live(null);
  if (!finished) throw new Error(`the run to compare with did not end: ${faults.join('; ')}`);
  units = lab.units;
  whole = await lab.outcome();
}, 300_000);
afterAll(async () => {
  await lab.close();
  await rm(folder, { recursive: true, force: true });
});

type Told = { type: string; values?: Record<string, number>; index?: number; status?: string };

test('the run to compare with was measured, has a best checkpoint, and ended early', () => {
  const told = whole.told as readonly Told[];
  const of = (name: string) => told.flatMap(({ values }) => values?.[name] ?? []);
  expect(of('eval_loss').length).toBe(units);
  expect(of('eval_accuracy').length).toBeGreaterThan(2);
  expect(units).toBeLessThan(11);
  expect(told.filter(({ type }) => type === 'stage').map(({ index, status }) => [index, status])).toEqual([
    [0, 'started'],
    [0, 'finished'],
    [1, 'started'],
    [1, 'finished'],
    [2, 'started'],
    [2, 'finished'],
  ]);
  expect(whole.best).toMatchObject({ metric: { name: 'eval_loss' } });
});

/** With which the lab kills after so many changes. */
const seedOf = (later: number) =>
  Array.from({ length: 500 }, (_, seed) => seed).find((seed) => new Random(seed).below(MOST_CHANGES) === later)!;

test('killed between any two changes on disk, it has the same figures, the same best checkpoint and the same end', async () => {
  const { step } = whole.best as { readonly step: number };
  // Around the step that is the best, so many changes later: before, within and after what is kept as the best; and at the end.
  const kills = [...[4, 6, 8, 10, 12].map((later) => [step, later] as const), [units - 1, 9] as const];
  for (const [at, later] of kills) {
    lab.disk = FaultyDisk.of([]);
    const kill: Kill = { number: later, way: 'gone', at: 0, moment: 'inside', seed: seedOf(later) };
    const first = await lab.live(kill, at);
    expect(first).toMatchObject({ fired: true, finished: false, faults: [] });
    // Whoever kills also stops, and that may reach the life after it.
    let finished = false;
    for (let lives = 0; !finished && lives < 5; lives++) {
      const life = await lab.live(null);
      expect(life.faults).toEqual([]);
      ({ finished } = life);
    }
    expect(finished).toBe(true);
    expect(differences(whole, await lab.outcome()), `killed ${later} changes after unit ${at}`).toEqual([]);
  }
}, 600_000);
