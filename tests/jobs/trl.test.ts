/** The job for TRL: what its files say of a plan, and what is refused before any is made. */
import { describe, expect, test } from 'vitest';
import type { Row } from '../../src/data/row.ts';
import type { RowList } from '../../src/data/row-list.ts';
import { box01 } from '../../src/grounding/box.ts';
import { PUBLISHED, publishedPreprocessor } from '../../src/engine/model/published.ts';
import { CONVENTIONS } from '../../src/grounding/convention.ts';
import { jobFiles, type JobSource } from '../../src/jobs/job.ts';
import type { JobRow } from '../../src/jobs/rows.ts';
import { trl } from '../../src/jobs/trl/writer.ts';
import { Fields } from '../../src/models/fields.ts';
import { parseArchitecture } from '../../src/models/load.ts';
import type { PictureBudget } from '../../src/models/picture-budget.ts';
import { PROMPT } from '../../src/train/prompt.ts';
import { PRESETS } from '../../src/train/presets.ts';
import type { Stage } from '../../src/train/recipe.ts';
import {
  backStage,
  dpoStage,
  evaluateStage,
  grpoStage,
  ktoStage,
  mergeStage,
  rejectionStage,
  repeatStage,
  sftStage,
  synthesiseStage,
} from '../../src/train/stages/index.ts';

const row = (id: string, split: Row['split']): Row => ({
  id,
  task: 'find',
  split,
  images: [`${id}-a.png`, `${id}-b.jpg`],
  prompt: [
    {
      role: 'user',
      content: [
        { type: 'image', image: 1 },
        { type: 'image', image: 0 },
        { type: 'text', text: 'Find the cup.' },
      ],
    },
  ],
  answer: [{ type: 'box', box: { image: 0, box: box01(0.25, 0.25, 0.5, 0.5) } }],
  solution: [{ image: 0, box: box01(0.25, 0.25, 0.5, 0.5) }],
  source: { file: 'rows.json', line: 1 },
});

const listOf = (rows: readonly Row[]): RowList => ({
  length: rows.length,
  id: (i) => rows[i]!.id,
  task: (i) => rows[i]!.task,
  file: (i) => rows[i]!.source.file,
  hasSolution: () => true,
  pictures: () => [],
  read: (places) => Promise.resolve(places.map((i) => rows[i]!)),
});

function source(stages: readonly Stage[], more: Partial<JobSource> = {}): JobSource {
  return {
    recipe: { name: 'a plan', seed: 5, stages },
    train: listOf(Array.from({ length: 6 }, (_, i) => row(`t${i}`, 'train'))),
    heldout: listOf([row('h0', 'heldout'), row('h1', 'heldout')]),
    sizeOf: () => Promise.resolve({ width: 280, height: 140 }),
    picture: () => Promise.resolve(new Blob([new Uint8Array([1, 2, 3])])),
    model: {
      id: 'someone/a-model',
      convention: CONVENTIONS.qwen2_5_vl,
      sizes: publishedSizes('Qwen/Qwen2.5-VL-3B-Instruct', { min_pixels: 3136, max_pixels: 50_176 }),
    },
    dataset: 'rows',
    ...more,
  };
}

async function written(stages: readonly Stage[], more: Partial<JobSource> = {}): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const { path, data } of await jobFiles(trl, source(stages, more))) {
    let text = '';
    if (typeof data === 'string') text = data;
    else for await (const piece of data) text += new TextDecoder('latin1').decode(piece);
    files.set(path, text);
  }
  return files;
}

const parsed = (files: Map<string, string>, path: string) => JSON.parse(files.get(path)!) as Record<string, never>;
const ALL = [
  evaluateStage({ name: 'base' }),
  sftStage(),
  mergeStage(),
  rejectionStage({ answersKept: 2 }),
  grpoStage({ lossType: 'sapo', lossSettings: { sapo: { temperaturePos: 2 } }, delta: 4, numIterations: 2 }),
  mergeStage({ name: 'Merge it/again' }),
  dpoStage({ lossWeights: { ...dpoStage().lossWeights, sft: 0.2 } }),
  backStage({ merges: 1 }),
  ktoStage(),
  evaluateStage({ name: 'end', instruction: 'Think first.' }),
];

const publishedSizes = (id: string, file?: Record<string, unknown>) => {
  const { config } = PUBLISHED.find((each) => each.id === id)!;
  return parseArchitecture(config).pictureSizes(new Fields(file ?? publishedPreprocessor(config)));
};

describe('a plan with a picture budget', () => {
  const limited = (pictures: PictureBudget, more: Partial<JobSource> = {}) => ({
    ...more,
    recipe: { name: 'a plan', seed: 5, pictures, stages: [sftStage()] },
  });

  test('gives the job its limits, and boxes at the sizes that come of them', async () => {
    const files = await written([], limited({ maxPixels: 12_544 }));
    expect(parsed(files, 'job.json')).toMatchObject({ pixels: { min: 3136, max: 12_544 } });
    const [line] = files.get('data/train.jsonl')!.split('\n');
    const { truth, completion } = JSON.parse(line!) as { truth: string; completion: string };
    expect((JSON.parse(truth) as { sizes: unknown }).sizes).toEqual([
      [140, 56],
      [140, 56],
    ]);
    expect(completion).toBe('<answer>{"image": 1, "bbox_2d": [35, 14, 70, 28]}</answer>');
  });

  test('of a family with tiles gives the longest edge and whether tiles are cut', async () => {
    const sizes = publishedSizes('HuggingFaceTB/SmolVLM2-500M-Video-Instruct');
    const model = { id: 'someone/smol', convention: CONVENTIONS.smolvlm, sizes };
    const { longestEdge } = sizes.limits;
    const plain = await written([sftStage()], { model });
    expect(parsed(plain, 'job.json')).toMatchObject({ pixels: { edge: longestEdge, tiles: true } });
    const files = await written([], limited({ longestEdge: 512, imageSplitting: false }, { model }));
    expect(parsed(files, 'job.json')).toMatchObject({ pixels: { edge: 512, tiles: false } });
    await expect(written([], limited({ maxPixels: 50_176 }, { model }))).rejects.toThrow(/sets maxPixels/);
  });
});

test('Accelerate’s files quote what YAML would read as false, and several processes need no GPU', async () => {
  const files = await written([sftStage()]);
  expect(files.get('accelerate/one-gpu.yaml')).toMatch(/mixed_precision: 'no'\ndistributed_type: 'NO'/);
  // MULTI_CPU starts one process alone where there is no MPI.
  expect(files.get('accelerate/two-cpus.yaml')).toMatch(/distributed_type: 'MULTI_GPU'\nnum_processes: 2/);
});

test('a plan’s prompt is written into the rows: what is sampled is asked to think, what teaches no thought is not', async () => {
  const prompt = {
    ...PROMPT,
    system: 'You point.',
    answerForm: 'think',
    thinkWords: 'Think first.',
    answerWords: 'Answer.',
  } as const;
  const files = await written([], { recipe: { name: 'p', seed: 1, prompt, stages: [sftStage(), grpoStage()] } });
  const line = JSON.parse(files.get('data/train.jsonl')!.split('\n')[0]!) as JobRow;
  const words = (messages: JobRow['prompt']) =>
    messages.map(({ content }) => content.map((part) => (part.type === 'text' ? part.text : '·')).join(''));
  expect(words(line.prompt)).toEqual(['You point.', '··Find the cup. Think first.']);
  expect(words(line.taught_prompt!)).toEqual(['You point.', '··Find the cup. Answer.']);
  expect(line.completion).not.toContain('<think>');
});

describe('a job for TRL', () => {
  test('has a script for each kind of stage, its settings by TRL’s names, and a line that runs it', async () => {
    const files = await written(ALL);
    expect(files.get('run.sh')).toContain(
      'many sft.py 02-cold-start\nalone merge.py 03-merge\nmany reject.py 04-rejection-sampling\nmany grpo.py 05-reinforcement\nalone merge.py 06-merge-it-again\n',
    );
    for (const script of ['sft', 'merge', 'reject', 'grpo', 'dpo', 'back', 'kto', 'evaluate', 'common', 'rewards'])
      expect(files.has(`${script}.py`)).toBe(true);
    expect(parsed(files, 'stages/05-reinforcement.json')).toMatchObject({
      reads: 'kept',
      rows: null,
      settings: {
        prompts_a_step: 4,
        trainer: {
          loss_type: 'sapo',
          sapo_temperature_pos: 2,
          sapo_temperature_neg: 1.05,
          delta: 4,
          max_steps: 400,
          num_iterations: 2,
          beta: 0.04,
        },
      },
    });
    expect(parsed(files, 'stages/07-preferences.json')).toMatchObject({
      settings: { trainer: { loss_type: ['sigmoid', 'sft'], loss_weights: [1, 0.2] } },
    });
    expect(parsed(files, 'stages/02-cold-start.json')).toMatchObject({ settings: { rows_a_step: 8, rows_a_pass: 8 } });
  });

  test('leaves out the scripts of stages that the plan does not have', async () => {
    const files = await written([sftStage()]);
    expect([...files.keys()].filter((path) => path.endsWith('.py'))).toEqual([
      'rewards.py',
      'common.py',
      'sampling.py',
      'sft.py',
    ]);
  });

  test('writes rows in the model’s own form, pictures in the order in which they are shown', async () => {
    const files = await written([sftStage()]);
    const [first] = files.get('data/train.jsonl')!.split('\n');
    const line = JSON.parse(first!) as Record<string, unknown>;
    expect(line).toMatchObject({
      id: 't0',
      completion: '<answer>{"image": 1, "bbox_2d": [70, 35, 140, 70]}</answer>',
      images: ['data/images/000001.jpg', 'data/images/000000.png'],
      order: [1, 0],
    });
    expect(JSON.parse(line['truth'] as string)).toMatchObject({
      sizes: [
        [280, 140],
        [280, 140],
      ],
      wanted: { kind: 'boxes' },
    });
    expect(files.get('data/images/000001.jpg')).toHaveLength(3);
  });

  test('trains on rows in a drawn order, each once a pass', async () => {
    const { rows } = parsed(
      await written([sftStage({ numTrainEpochs: 1, perDeviceTrainBatchSize: 2 })]),
      'stages/01-cold-start.json',
    ) as unknown as { rows: string[] };
    expect(rows.toSorted()).toEqual(['t0', 't1', 't2', 't3', 't4', 't5']);
    expect(rows).not.toEqual(rows.toSorted());
  });

  test('names pictures where they lie if they are not to be copied', async () => {
    const files = await written([sftStage()], { pathOf: (picture) => `/somewhere/${picture}` });
    expect([...files.keys()].some((path) => path.startsWith('data/images/'))).toBe(false);
    expect(files.get('data/train.jsonl')).toContain('/somewhere/t0-a.png');
  });

  test('says in its README what is otherwise there, stage by stage, and which versions it is for', async () => {
    const readme = (await written([sftStage(), mergeStage(), grpoStage({ lossType: 'bnpo' })])).get('README.md')!;
    for (const words of [
      '### 01-cold-start',
      'trl 1.13.0',
      'torchrun',
      'num_machines',
      'bnpo averages over a micro-batch',
    ])
      expect(readme).toContain(words);
  });

  const plain = (Object.keys(PRESETS) as (keyof typeof PRESETS)[]).filter((name) => !PRESETS[name].recipe.prompt);
  test.each(plain)('can be made of the preset %s', async (name) =>
    expect((await written(PRESETS[name].recipe.stages)).has('README.md')).toBe(true),
  );
});

test('rounds are written out, each with rows in an order of its own', async () => {
  const files = await written([sftStage({ name: 'Learn' }), mergeStage(), repeatStage({ numStages: 2, numRounds: 2 })]);
  expect(files.get('run.sh')).toContain(
    'many sft.py 01-learn-round-1\nalone merge.py 02-merge-round-1\nmany sft.py 03-learn-round-2\nalone merge.py 04-merge-round-2\n',
  );
  const rows = (name: string) => (parsed(files, `stages/${name}.json`) as unknown as { rows: string[] }).rows;
  expect(rows('01-learn-round-1')).not.toEqual(rows('03-learn-round-2'));
});

describe('what TRL cannot do is refused by name', () => {
  test.each<[string, Stage, Partial<JobSource>]>([
    ['TRL has nothing for stage 1, “Thoughts” (synthesise)', synthesiseStage(), {}],
    ['no counterpart for the loss gmpo (01-reinforcement)', grpoStage({ lossType: 'gmpo' }), {}],
    ['no counterpart for the advantage rloo', grpoStage({ advantageEstimator: 'rloo' }), {}],
    ['no counterpart for weights for hard prompts', grpoStage({ difficultyWeight: 'exp' }), {}],
    ['no counterpart for groups that are sampled again', grpoStage({ maxResamples: 2 }), {}],
    ['no counterpart for a replay buffer', grpoStage({ replayBufferSize: 8 }), {}],
    ['a ratio of whole completions by token', grpoStage({ importanceSamplingLevel: 'sequence_token' }), {}],
    [
      '01-reinforcement weighs a reward of your own',
      grpoStage({ rewardWeights: { own: 1, iou: 1 }, rewardCode: 'function reward() { return 1 }' }),
      {},
    ],
    ['learns only from thoughts that the run itself wrote', sftStage({ onlyThoughts: true }), {}],
    ['01-evaluation asks for a form of its own', evaluateStage({ answerForm: 'think' }), {}],
    [
      'rewards the form (format), which a job judges with one',
      grpoStage(),
      { recipe: { name: 'p', seed: 1, prompt: { ...PROMPT, answerForm: 'mix' }, stages: [grpoStage()] } },
    ],
    ['cannot be read: t0-a.png, t0-b.jpg', sftStage(), { sizeOf: () => Promise.resolve(null) }],
    ['The dataset has no rows', evaluateStage(), { train: listOf([]), heldout: listOf([]) }],
    [
      'carries a credential',
      sftStage(),
      { model: { ...source([]).model, id: 'https://me:hf_abcdefgh@hub.example/a' } },
    ],
    ['has nothing for stage 1, “Later” (later)', { ...sftStage({ name: 'Later' }), kind: 'later' as 'sft' }, {}],
  ])('%s', async (words, stage, more) => {
    await expect(jobFiles(trl, source([stage], more))).rejects.toMatchObject({ exitCode: 2 });
    await expect(jobFiles(trl, source([stage], more))).rejects.toThrow(words);
  });
});
