/** Which groups a step learns from, with a generator that says what it is told to. */
import { expect, test } from 'vitest';
import { Random } from '../../src/base/random.ts';
import type { Row } from '../../src/data/row.ts';
import type { RowList } from '../../src/data/row-list.ts';
import { grpoStage } from '../../src/train/stages/index.ts';
import { Batches, RowSampler } from '../../src/train/plan-steps.ts';
import type { GrpoStage } from '../../src/train/recipe.ts';
import { ReplayBuffer } from '../../src/train/replay-buffer.ts';
import { drawGroups } from '../../src/train/rollout-groups.ts';
import type { StageContext, StageEvent } from '../../src/train/stage.ts';

const ROWS = 12;
const stageOf = (part: Partial<GrpoStage> = {}) =>
  grpoStage({
    promptsPerStep: 2,
    numGenerations: 2,
    maxSteps: 9,
    rewardWeights: { format: 1 },
    ...part,
  });

const READ = { answer: '', boxes: [], thoughtBoxes: [], think: null, tagsOk: true, formatOk: false, parsed: false };

/** Rows by number; `differs` says whose completions are told apart. Every completion is one token, its row's number. */
function world(differs: (row: number) => boolean) {
  const events: StageEvent[] = [];
  const asked: number[][] = [];
  const prepared: number[][] = [];
  const numbers = (rows: readonly Row[]) => rows.map(({ id }) => Number(id));
  const row = (i: number) => ({ id: String(i), images: [], solution: [], prompt: [], answer: [] }) as unknown as Row;
  const rows = { length: ROWS, read: async (places: readonly number[]) => places.map(row) } as unknown as RowList;
  const context = {
    seed: 1,
    emit: (event: StageEvent) => void events.push(event),
    samples: {
      prepare: async (of: readonly Row[]) => {
        prepared.push(numbers(of));
        return of.map((r) => ({ row: r, prompt: { tokens: new Uint32Array(3) } }));
      },
      readAhead: () => {},
      parse: (_: unknown, text: string) => ({ ...READ, tagsOk: text === 'good' }),
    },
    generator: {
      generate: async (samples: readonly { readonly row: Row }[]) => {
        asked.push(numbers(samples.map((sample) => sample.row)));
        return samples.map((sample) =>
          [0, 1].map((c) => ({
            tokens: Uint32Array.of(Number(sample.row.id)),
            text: c === 0 || !differs(Number(sample.row.id)) ? 'good' : 'bad',
            truncated: false,
            logProbs: Float32Array.of(-0.5),
            entropies: Float32Array.of(2),
          })),
        );
      },
    },
  } as unknown as StageContext;
  return { context, rows, events, asked, prepared };
}

const learned = (groups: Awaited<ReturnType<typeof drawGroups>>['groups']) =>
  groups.map(({ sample }) => Number(sample.row.id));
const batchesOf = () => new Batches(new RowSampler(ROWS, 3), (sampler) => sampler.next(2));
const at = (step = 0, buffer: ReplayBuffer | null = null) => ({ step, buffer, random: new Random(7), own: null });

test('without more, the step learns from what was sampled, in its order', async () => {
  const { context, rows, asked, events } = world((row) => row % 2 === 0);
  const { groups, sampled, tokens } = await drawGroups(stageOf(), context, rows, batchesOf(), at());
  expect(learned(groups)).toEqual(asked[0]);
  expect([asked.length, sampled, events.length, tokens]).toEqual([1, 2, 2, 2 * 2 * (3 + 1)]);
});

test('groups without differences are replaced by those of other prompts, and all of them are told', async () => {
  const { context, rows, asked, events } = world((row) => row % 3 === 0);
  const stage = stageOf({ maxResamples: 20 });
  const { groups, sampled, completions } = await drawGroups(stage, context, rows, batchesOf(), at());
  expect(groups).toHaveLength(2);
  for (const row of learned(groups)) expect(row % 3).toBe(0);
  expect(asked.length).toBeGreaterThan(1);
  expect(sampled).toBe(2 * asked.length);
  expect(events).toHaveLength(sampled);
  // Metrics are of everything that was sampled: what is easy or hopeless does not vanish from the reward.
  expect(completions).toHaveLength(2 * sampled);
  // The rows come in the order of the sampler: a run that goes on samples the same.
  const order = batchesOf();
  expect(asked).toEqual(asked.map(() => order.next()));
});

test('the rounds are bounded; then idle groups fill the step', async () => {
  const { context, rows, asked } = world(() => false);
  const { groups } = await drawGroups(stageOf({ maxResamples: 2 }), context, rows, batchesOf(), at());
  expect(asked).toHaveLength(3);
  expect(groups).toHaveLength(2);
});

test('a group that taught something takes the place of one that teaches nothing, with what it was sampled with', async () => {
  const { context, rows, asked, prepared } = world((row) => row % 2 === 0);
  const buffer = new ReplayBuffer(4);
  const batches = batchesOf();
  const told: number[] = [];
  for (let step = 0; step < 6; step++) {
    const before = buffer.state.map(({ row }) => row);
    const { groups, replayed } = await drawGroups(stageOf(), context, rows, batches, at(step, buffer));
    const fresh = asked.at(-1)!;
    const known = new Set([...before, ...fresh.filter((row) => row % 2 === 0)]);
    groups.forEach(({ sample, completions }, g) => {
      const row = Number(sample.row.id);
      if (fresh[g]! % 2 === 0 || known.size === 0) expect(row).toBe(fresh[g]);
      else {
        told.push(row);
        expect(known).toContain(row);
        expect([...completions[0]!.old!]).toEqual([-0.5]);
        expect([...completions[0]!.tokens]).toEqual([row]);
        expect(completions[0]!.advantage).toBeGreaterThan(0);
        expect(prepared.at(-1)).toContain(row);
      }
    });
    expect(replayed).toBe(groups.filter(({ completions }) => completions[0]!.old).length / 2);
  }
  expect(told.length).toBeGreaterThan(1);
});

test('hard prompts weigh more, by the mean overlap of their completions', async () => {
  const { context, rows } = world(() => true);
  const solved = { image: 0, box: [0, 0, 0.5, 0.5] };
  const withBoxes = {
    ...rows,
    read: async (places: readonly number[]) =>
      (await rows.read(places)).map((row) => ({ ...row, images: ['a'], solution: [solved] })),
  } as unknown as RowList;
  const boxed = {
    ...context,
    samples: {
      ...context.samples,
      prepare: context.samples.prepare,
      parse: (_: unknown, text: string) => ({ ...READ, boxes: text === 'good' ? [solved] : [] }),
    },
  } as unknown as StageContext;
  const draw = (part: Partial<GrpoStage>, of: RowList) =>
    drawGroups(stageOf({ rewardWeights: { format: 1, iou: 1 }, ...part }), boxed, of, batchesOf(), at());
  const advantages = ({ groups }: Awaited<ReturnType<typeof drawGroups>>) =>
    groups.flatMap(({ completions }) => completions.map(({ advantage }) => advantage));
  const plain = advantages(await draw({}, withBoxes));
  // One of two overlaps wholly, the other not at all.
  const weight = Math.exp(1 - 0.5);
  advantages(await draw({ difficultyWeight: 'exp' }, withBoxes)).forEach((a, i) =>
    expect(a).toBeCloseTo(weight * plain[i]!, 9),
  );
  expect(Math.abs(plain[0]!)).toBeGreaterThan(0.5);
});
