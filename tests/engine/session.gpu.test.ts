/** The whole engine under Node, on the starter model and the sample dataset. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { filesUnder } from '../../src/cli/node-files.ts';
import type { EngineEvent, NamedFile, Recipe, Stage } from '../../src/engine/protocol/index.ts';
import { blobSource } from '../../src/formats/byte-source.ts';
import { openSafetensors, toFloat32 } from '../../src/formats/safetensors.ts';
import { openZip } from '../../src/formats/zip.ts';
import { registerDecoder } from '../../src/image/decode.ts';
import { nodeDecode } from '../../src/image/node-decode.ts';
import {
  evaluateStage,
  grpoStage,
  lora,
  mergeStage,
  optimizer,
  rejectionStage,
  sampling,
  sftStage,
} from '../../src/train/stages/index.ts';
import { fewRows, starter } from './few-rows.ts';
import { openEngine } from './open-engine.ts';

registerDecoder(nodeDecode);

const trained = { lora: lora(4, 8), optimizer: optimizer(1e-3, 0, 'constant') };
const oneStep = sftStage({
  ...trained,
  maxSteps: 1,
  numTrainEpochs: 1,
  perDeviceTrainBatchSize: 2,
  gradientAccumulationSteps: 1,
  maxLength: 0,
  gradientCheckpointing: true,
});
const long: Stage = { ...oneStep, maxSteps: 50 };
const recipe = (...stages: Stage[]): Recipe => ({ name: 'test', seed: 1, stages });
const pause = () => new Promise((resolve) => setTimeout(resolve, 50));

async function zipped(stream: ReadableStream<Uint8Array>): Promise<Map<string, Blob>> {
  const archive = await openZip(await new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>).blob());
  return new Map(await Promise.all(archive.entries.map(async (entry) => [entry.path, await entry.blob()] as const)));
}

describe('a session on the starter', () => {
  const engine = openEngine();
  const { session, events, of } = engine;
  let dataset = '';

  beforeAll(async () => {
    await session.handle({ type: 'load-starter', baseUrl: starter });
    dataset = (await session.handle({ type: 'open-dataset', name: 'few', files: await fewRows() })).id;
  });

  test('opens the sample dataset without a complaint', async () => {
    const report = await session.handle({ type: 'open-sample', baseUrl: starter });
    expect(report.issues).toEqual([]);
    expect([report.train > 300, report.heldout > 100, report.images > 1000]).toEqual([true, true, true]);
  });

  test('describes its device, and shows rows, pictures and what the model will read', async () => {
    const { name, maxBindingBytes } = await session.handle({ type: 'device' });
    expect(name).not.toBe('');
    expect(maxBindingBytes).toBeGreaterThanOrEqual(128 * 2 ** 20);
    const { total, rows } = await session.handle({ type: 'rows', dataset, split: 'train', offset: 3, count: 2 });
    expect([rows.length, total]).toEqual([2, 12]);
    const row = rows[0]!;
    expect(await session.handle({ type: 'row', dataset, rowId: row.id })).toEqual(row);
    expect((await session.handle({ type: 'image', dataset, path: row.images[0]! })).size).toBeGreaterThan(100);
    const preview = await session.handle({ type: 'preview', dataset, rowId: row.id });
    expect(preview.sizes).toHaveLength(row.images.length);
    expect(
      preview.tokens
        .filter((t) => t.inLoss)
        .map((t) => t.text)
        .join(''),
    ).toContain(preview.targetText);
    expect(preview.tokens.filter((t) => !t.inLoss).length).toBeGreaterThan(
      preview.sizes.reduce((sum, s) => sum + s.tokens, 0),
    );
  });

  test('loading can be stopped: nothing of it stays on the device, and the model before is still there', async () => {
    const before = engine.labels();
    const rowId = (await session.handle({ type: 'rows', dataset, split: 'train', offset: 0, count: 1 })).rows[0]!.id;
    engine.once(
      (event) => event.type === 'loading' && event.what === 'weights',
      () => void session.handle({ type: 'cancel-load' }),
    );
    await expect(session.handle({ type: 'load-starter', baseUrl: starter })).rejects.toMatchObject({
      code: 'cancelled',
    });
    expect(engine.labels()).toEqual(before);
    expect(await session.handle({ type: 'preview', dataset, rowId })).toBeDefined();
  });

  test('has nothing to export before anything was trained', async () => {
    await expect(session.handle({ type: 'export', what: 'adapter' })).rejects.toMatchObject({
      code: 'adapter-missing',
    });
  });

  test('runs every kind of stage and reports in order', async () => {
    events.length = 0;
    const stages = [
      oneStep,
      mergeStage(),
      grpoStage({ ...trained, maxSteps: 1, promptsPerStep: 1, numGenerations: 2, sampling: sampling(12) }),
      // So few tokens hold no box: no prompt is kept.
      rejectionStage({ limit: 2, numGenerations: 2, sampling: sampling(4), batchSize: 2 }),
      evaluateStage({ name: 'after', limit: 2, maxCompletionLength: 12, batchSize: 2 }),
    ];
    expect(await session.handle({ type: 'start', dataset, recipe: recipe(...stages) })).toEqual({
      runId: expect.any(String),
    });
    await session.running;
    expect(of('failure')).toEqual([]);
    expect(of('state').map((e) => e.state)).toEqual(['running', 'finished']);
    expect(of('stage').map((e) => [e.index, e.stage.kind, e.status])).toEqual(
      stages.flatMap(({ kind }, i) => [
        [i, kind, 'started'],
        [i, kind, 'finished'],
      ]),
    );
    // Whatever belongs to a stage comes between its start and its end.
    let current = -1;
    for (const event of events) {
      if (event.type === 'stage') current = event.status === 'started' ? event.index : -1;
      else if ('stageIndex' in event) expect(event.stageIndex).toBe(current);
    }
    const [first, second] = of('metrics');
    expect([first!.stageIndex, first!.step, second!.stageIndex, second!.step]).toEqual([0, 1, 2, 2]);
    expect(of('metrics')).toHaveLength(2);
    expect(first!.values).toMatchObject({
      loss: expect.any(Number),
      grad_norm: expect.any(Number),
      learning_rate: 1e-3,
      entropy: expect.any(Number),
    });
    expect(first!.values['loss']).toBeGreaterThan(0);
    expect(first!.values['grad_norm']).toBeGreaterThan(0);
    // The adapter is fresh, so the policy is its own reference.
    expect(second!.values['kl']).toBeCloseTo(0, 6);
    expect(second!.values).toMatchObject({ reward: expect.any(Number), 'completions/mean_length': expect.any(Number) });
    const [group] = of('group');
    expect([of('group').length, group!.step, group!.completions.length]).toEqual([1, 2, 2]);
    for (const { tokens, rewards } of group!.completions) {
      expect(tokens).toBeLessThanOrEqual(12);
      expect(Object.keys(rewards).sort()).toEqual(['choice', 'format', 'imageIndex', 'iou']);
    }
    expect(of('rejection').map((e) => [e.successRate, e.verdict])).toEqual([
      [0, 'too-hard'],
      [0, 'too-hard'],
    ]);
    expect(session.bench!.rejection).toEqual({ prompts: 2, kept: 0 });
    const [{ evaluation }] = of('evaluation') as [Extract<EngineEvent, { type: 'evaluation' }>];
    expect(evaluation.n).toBe(2);
    const compiled = (e: EngineEvent) => e.type === 'progress' && e.unit === 'kernels compiled';
    const kernels = of('progress').filter(compiled);
    expect(events.findLastIndex((e) => compiled(e) && e.type === 'progress' && e.stageIndex === 0)).toBeLessThan(
      events.findIndex((e) => e.type === 'metrics'),
    );
    expect(kernels[0]).toMatchObject({ stageIndex: 0, done: 0 });
    for (const { done, total } of kernels) expect(done).toBeLessThanOrEqual(total);
    const encoded = of('progress').filter(({ unit }) => unit === 'rows encoded');
    expect(encoded.map((e) => [e.stageIndex, e.done, e.total, e.preparing])).toEqual([[0, 12, 12, true]]);
    const steps = of('progress').filter(({ preparing }) => !preparing);
    // At least the weights; the starter has fewer than a gigabyte of anything.
    for (const { gpuBytes } of steps) expect(gpuBytes).toBeGreaterThan(7e6);
    for (const { gpuBytes } of steps) expect(gpuBytes).toBeLessThan(2 ** 30);
    const counted = (stage: number) => steps.filter((e) => e.stageIndex === stage).map((e) => [e.done, e.total]);
    expect([counted(0), counted(2)]).toEqual([[[1, 1]], [[1, 1]]]);
    // Rows are counted from none to all, one by one where answers end by themselves.
    for (const stage of [3, 4]) {
      const done = counted(stage);
      expect([done[0], done.at(-1)]).toEqual([
        [0, 2],
        [2, 2],
      ]);
      expect(done).toEqual(done.toSorted(([a], [b]) => a! - b!));
    }
    const pictures = of('progress').filter(({ unit }) => unit === 'pictures read');
    expect(pictures[0]).toMatchObject({ stageIndex: 0, done: 0, preparing: true });
    expect(pictures.findLast(({ stageIndex }) => stageIndex === 0)).toSatisfy(
      (e: { done: number; total: number }) => e.done === e.total,
    );
  });

  test('exports what both stages taught, as an adapter and as a whole model', async () => {
    const adapter = await session.handle({ type: 'export', what: 'adapter' });
    expect(adapter.fileName).toMatch(/adapter.*\.zip$/);
    const files = await zipped(adapter.stream);
    expect([...files.keys()].sort()).toEqual(['README.md', 'adapter_config.json', 'adapter_model.safetensors']);
    // Rank 4 of the SFT stage beside rank 4 of the RL stage.
    expect(JSON.parse(await files.get('adapter_config.json')!.text())).toMatchObject({
      peft_type: 'LORA',
      r: 8,
      lora_alpha: 8,
    });
    const tensors = await openSafetensors(blobSource(files.get('adapter_model.safetensors')!));
    expect(tensors.tensors.size).toBe(2 * 7 * 5);

    const merged = await zipped((await session.handle({ type: 'export', what: 'merged' })).stream);
    const before = new Map((await filesUnder(`${starter}model`)).map(({ path, file }) => [path, file]));
    expect(await merged.get('README.md')!.text()).toContain('## Base model');
    for (const [path, file] of merged)
      if (path !== 'model.safetensors' && path !== 'README.md')
        expect(
          Buffer.compare(Buffer.from(await file.arrayBuffer()), Buffer.from(await before.get(path)!.arrayBuffer())),
          path,
        ).toBe(0);
    const [was, is] = await Promise.all(
      [before, merged].map((folder) => openSafetensors(blobSource(folder.get('model.safetensors')!))),
    );
    expect([...is!.tensors.keys()].sort()).toEqual([...was!.tensors.keys()].sort());
    const key = [...was!.tensors.keys()].find((name) => name.endsWith('layers.0.self_attn.q_proj.weight'))!;
    expect(await is!.read(key)).not.toEqual(await was!.read(key));
  });

  test('answers as the base model and as the tuned one', async () => {
    const { rows } = await session.handle({ type: 'rows', dataset, split: 'heldout', offset: 0, count: 1 });
    const answers = await session.handle({ type: 'answer', dataset, rowId: rows[0]!.id, policies: ['base', 'tuned'] });
    expect(answers.map((a) => a.policy)).toEqual(['base', 'tuned']);
    for (const { text, iou } of answers) {
      expect(text).not.toBe('');
      expect(iou).toBeGreaterThanOrEqual(0);
    }
  });

  test('holds before the first step if asked to, answers meanwhile, walks step by step, and refuses a second run', async () => {
    events.length = 0;
    await session.handle({ type: 'start', dataset, recipe: recipe(long), paused: true });
    for (const request of [
      { type: 'start', dataset, recipe: recipe(long) },
      { type: 'load-starter', baseUrl: starter },
    ] as const)
      await expect(session.handle(request)).rejects.toMatchObject({
        code: 'run-active',
        hint: expect.stringContaining('Stop'),
      });
    const { rows } = await session.handle({ type: 'rows', dataset, split: 'heldout', offset: 0, count: 1 });
    expect(await session.handle({ type: 'answer', dataset, rowId: rows[0]!.id, policies: ['base'] })).toHaveLength(1);
    expect(of('metrics')).toEqual([]);
    for (const wanted of [1, 2]) {
      await new Promise<void>((resolve) => {
        engine.once((event) => event.type === 'metrics', resolve);
        void session.handle({ type: 'control', action: 'step' });
      });
      await pause();
      expect(of('metrics')).toHaveLength(wanted);
    }
    expect(await session.handle({ type: 'control', action: 'stop' })).toEqual({ state: 'stopping' });
    await session.running;
    expect(of('metrics')).toHaveLength(2);
    expect(of('stage').map((e) => e.status)).toEqual(['started', 'stopped']);
    expect(of('state').map((e) => e.state)).toEqual(['paused', 'stopping', 'finished']);
  });

  test('holds while rows are encoded, and has nothing to save there', async () => {
    events.length = 0;
    const { id } = await session.handle({ type: 'open-sample', baseUrl: starter });
    const encoded = () => of('progress').filter(({ unit }) => unit === 'rows encoded');
    const paused = new Promise<void>((resolve) => {
      engine.once(
        (event) => event.type === 'progress' && event.unit === 'rows encoded',
        () => void session.handle({ type: 'control', action: 'pause' }).then(() => resolve()),
      );
    });
    await session.handle({ type: 'start', dataset: id, recipe: recipe(long) });
    await paused;
    expect(await session.handle({ type: 'save-now' })).toEqual({ step: 0 });
    const held = encoded().length;
    await pause();
    expect(encoded()).toHaveLength(held);
    expect(encoded().at(-1)!.done).toBeLessThan(encoded().at(-1)!.total);
    const stepped = new Promise<void>((resolve) => engine.once((event) => event.type === 'metrics', resolve));
    await session.handle({ type: 'control', action: 'step' });
    await stepped;
    expect(encoded().at(-1)!.done).toBe(encoded().at(-1)!.total);
    await session.handle({ type: 'control', action: 'stop' });
    await session.running;
    expect(of('metrics')).toHaveLength(1);
  });

  test('profiles two steps of a run while it goes on, once at a time', async () => {
    await expect(session.handle({ type: 'profile' })).rejects.toMatchObject({ code: 'run-missing' });
    await session.handle({ type: 'start', dataset, recipe: recipe(long), paused: true });
    const asked = session.handle({ type: 'profile' });
    await expect(session.handle({ type: 'profile' })).rejects.toMatchObject({ code: 'profiling' });
    await session.handle({ type: 'control', action: 'resume' });
    const profile = await asked;
    expect(profile.ops.map((o) => o.op)).toEqual(
      expect.arrayContaining(['matmul/nt', 'attention/forward', 'adamw/step']),
    );
    expect(profile.ops.reduce((sum, o) => sum + o.dispatches, 0)).toBe(profile.dispatches);
    expect(profile.idleShare).toBeGreaterThanOrEqual(0);
    expect(profile.idleShare).toBeLessThan(1);
    expect(profile.trace.filter((e) => e.args?.['program']).length).toBe(profile.dispatches);
    const late = session.handle({ type: 'profile' });
    await session.handle({ type: 'control', action: 'stop' });
    await expect(late).rejects.toMatchObject({ code: 'run-ended' });
    await session.running;
  });

  test('keeps what a stopped run has learnt', async () => {
    events.length = 0;
    const { runId } = await session.handle({ type: 'start', dataset, recipe: recipe(long, mergeStage()) });
    engine.once(
      (event) => event.type === 'metrics',
      () => void session.handle({ type: 'control', action: 'stop' }),
    );
    await session.running;
    expect(of('metrics')).toHaveLength(1);
    expect(of('stage').map((e) => [e.index, e.status])).toEqual([
      [0, 'started'],
      [0, 'stopped'],
    ]);
    expect(await session.handle({ type: 'run-curves', runId })).toEqual(
      of('metrics').map(({ step, values }) => ({ step, values })),
    );
    const files = await zipped((await session.handle({ type: 'export', what: 'adapter' })).stream);
    const tensors = await openSafetensors(blobSource(files.get('adapter_model.safetensors')!));
    // B begins as zeros: it has moved.
    const b = [...tensors.tensors.keys()].filter((key) => key.includes('lora_B'));
    expect(b).toHaveLength(35);
    for (const key of b)
      expect(
        toFloat32(await tensors.read(key), 'F32').some((v) => v !== 0),
        key,
      ).toBe(true);
  });

  test('has the model read no other dataset in a run: what the run learns would be dropped for it', async () => {
    const other = await session.handle({ type: 'open-sample', baseUrl: starter });
    const { rows } = await session.handle({ type: 'rows', dataset: other.id, split: 'train', offset: 0, count: 1 });
    events.length = 0;
    await session.handle({ type: 'start', dataset, recipe: recipe(long) });
    const [rowId] = rows.map(({ id }) => id) as [string];
    const asked: Promise<unknown>[] = [];
    engine.once(
      (event) => event.type === 'metrics',
      () => {
        asked.push(
          session.handle({ type: 'answer', dataset: other.id, rowId, policies: ['base'] }).catch((error) => error),
          session.handle({ type: 'preview', dataset: other.id, rowId }).catch((error) => error),
        );
        engine.once(
          (event) => event.type === 'metrics',
          () => void session.handle({ type: 'control', action: 'stop' }),
        );
      },
    );
    await session.running;
    for (const refused of await Promise.all(asked)) expect(refused).toMatchObject({ code: 'run-active' });
    expect([asked.length, of('metrics').length, of('failure')]).toEqual([2, 2, []]);
  });

  test('starts and rehearses nothing while a model is loaded, which would be taken from under it', async () => {
    const asked: Promise<unknown>[] = [];
    engine.once(
      (event) => event.type === 'loading' && event.what === 'weights',
      () => {
        asked.push(
          session.handle({ type: 'start', dataset, recipe: recipe(long) }).catch((error) => error),
          session.handle({ type: 'rehearse', dataset, recipe: recipe(long) }).catch((error) => error),
        );
        void Promise.all(asked).then(() => session.handle({ type: 'cancel-load' }));
      },
    );
    await session.handle({ type: 'load-starter', baseUrl: starter }).catch((error) => error);
    expect(asked).toHaveLength(2);
    for (const refused of await Promise.all(asked)) expect(refused).toMatchObject({ code: 'model-loading' });
  });

  test('tells the rows and the model that are open from others', async () => {
    const open = await session.handle({ type: 'identity', dataset });
    expect(open).toEqual({
      model: expect.stringMatching(/^[0-9a-f]{64}$/),
      dataset: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(await session.handle({ type: 'identity', dataset })).toEqual(open);
    const sample = await session.handle({ type: 'open-sample', baseUrl: starter });
    const other = await session.handle({ type: 'identity', dataset: sample.id });
    expect([other.model === open.model, other.dataset === open.dataset]).toEqual([true, false]);
    expect(await session.handle({ type: 'identity', dataset: null })).toEqual({ ...open, dataset: null });
  });

  test('begins no run, and no rehearsal, with a setting beyond its bounds', async () => {
    const bad = recipe(rejectionStage({ iouThreshold: 1.5 }));
    for (const type of ['start', 'rehearse'] as const)
      await expect(session.handle({ type, dataset, recipe: bad })).rejects.toThrow(
        'stages[0].iouThreshold is 1.5; allowed is a number from 0 to 1.',
      );
  });

  test('reports a recipe that cannot work as a failure, and runs the next one', async () => {
    for (const [stages, code] of [
      [[oneStep, oneStep], 'recipe-invalid'],
      [[mergeStage()], 'recipe-invalid'],
      [
        [
          rejectionStage({ limit: 1, numGenerations: 1, sampling: sampling(4), batchSize: 1 }),
          grpoStage({ ...trained, maxSteps: 1, promptsPerStep: 1, numGenerations: 2, sampling: sampling(4) }),
        ],
        'no-rows',
      ],
      [[{ ...oneStep, maxLength: 10 }], 'no-rows'],
      [[{ ...oneStep, lora: { ...lora(4, 8), targetModules: ['no_such_proj'] } }], 'lora-no-target'],
    ] as [Stage[], string][]) {
      events.length = 0;
      await session.handle({ type: 'start', dataset, recipe: recipe(...stages) });
      await session.running;
      expect(of('failure')).toEqual([
        { type: 'failure', code, message: expect.any(String), hint: expect.stringMatching(/\w/) },
      ]);
      expect(of('state').at(-1)).toEqual({ type: 'state', state: 'failed' });
    }
    events.length = 0;
    await session.handle({
      type: 'start',
      dataset,
      recipe: recipe(evaluateStage({ name: 'base', limit: 1, maxCompletionLength: 4 })),
    });
    await session.running;
    expect(of('evaluation')).toHaveLength(1);
    expect(session.state).toBe('finished');
  });

  test('does not grow from run to run, nor when the model is loaded again', async () => {
    const run = async () => {
      await session.handle({
        type: 'start',
        dataset,
        recipe: recipe(oneStep, mergeStage(), evaluateStage({ name: 'base', limit: 1, maxCompletionLength: 4 })),
      });
      await session.running;
      return engine.labels().sort();
    };
    const once = await run();
    expect(await run()).toEqual(once);
    await session.handle({ type: 'load-starter', baseUrl: starter });
    expect(await run()).toEqual(once);
  });

  test('knows no row or dataset that is not there', async () => {
    await expect(session.handle({ type: 'row', dataset, rowId: 'nobody' })).rejects.toMatchObject({
      code: 'row-missing',
    });
    await expect(
      session.handle({ type: 'rows', dataset: 'closed', split: 'train', offset: 0, count: 1 }),
    ).rejects.toMatchObject({ code: 'dataset-missing' });
    await expect(session.handle({ type: 'start', dataset: 'closed', recipe: recipe(oneStep) })).rejects.toMatchObject({
      code: 'dataset-missing',
    });
    expect(session.state).not.toBe('running');
  });

  test('leaves no GPU buffer when it is destroyed, and made no invalid call', async () => {
    expect(engine.labels()).not.toEqual([]);
    await session.destroy();
    expect(engine.labels()).toEqual([]);
    expect(engine.errors).toEqual([]);
  });
});

describe('a model that cannot be loaded', () => {
  const engine = openEngine();
  let files: NamedFile[] = [];
  const load = (files: readonly NamedFile[]) => engine.session.handle({ type: 'load-model', files });
  const without = (name: string) => files.filter(({ path }) => path !== name);
  const withConfig = async (change: Record<string, unknown>) => {
    const config = JSON.parse(await files.find(({ path }) => path === 'config.json')!.file.text()) as Record<
      string,
      unknown
    >;
    return [
      ...without('config.json'),
      { path: 'config.json', file: new Blob([JSON.stringify({ ...config, ...change })]) },
    ];
  };

  beforeAll(async () => {
    files = await filesUnder(`${starter}model`);
  });

  afterAll(() => engine.session.destroy());

  test('is refused by name when its family is unknown', async () => {
    await expect(load(await withConfig({ model_type: 'llama' }))).rejects.toMatchObject({
      code: 'model-unsupported',
      message: expect.stringContaining('llama'),
      hint: expect.stringContaining('qwen2_5_vl'),
    });
  });

  test.each(['config.json', 'tokenizer.json', 'model.safetensors'])(
    'is refused when %s is missing, and the file is named',
    async (name) => {
      await expect(load(without(name))).rejects.toMatchObject({
        code: 'checkpoint-incomplete',
        message: expect.stringContaining(name),
      });
    },
  );

  test('leaves nothing on the GPU when its weights and its configuration disagree', async () => {
    const text = (
      JSON.parse(await files.find(({ path }) => path === 'config.json')!.file.text()) as {
        text_config: Record<string, unknown>;
      }
    ).text_config;
    await expect(load(await withConfig({ text_config: { ...text, intermediate_size: 256 } }))).rejects.toMatchObject({
      code: 'tensor-shape',
    });
    expect(engine.labels()).toEqual([]);
  });

  test('leaves the one that was loaded in place', async () => {
    // Inside a folder, as a drop gives it.
    const { name, layers } = await load(files.map(({ path, file }) => ({ path: `starter-model/${path}`, file })));
    expect([name, layers]).toEqual(['starter-model', 5]);
    await expect(load(without('tokenizer.json'))).rejects.toMatchObject({ code: 'checkpoint-incomplete' });
    const { id } = await engine.session.handle({ type: 'open-dataset', name: 'few', files: await fewRows() });
    await engine.session.handle({
      type: 'start',
      dataset: id,
      recipe: recipe(evaluateStage({ name: 'base', limit: 1, maxCompletionLength: 4 })),
    });
    await engine.session.running;
    expect(engine.of('failure')).toEqual([]);
    expect(engine.of('evaluation')).toHaveLength(1);
  });
});

test('without a model nothing can be started or asked, and the hint says what to do', async () => {
  const { session } = openEngine();
  const { id } = await session.handle({ type: 'open-dataset', name: 'few', files: await fewRows() });
  const refused = { code: 'model-missing', hint: expect.stringContaining('Load') };
  await expect(session.handle({ type: 'start', dataset: id, recipe: recipe(oneStep) })).rejects.toMatchObject(refused);
  await expect(session.handle({ type: 'answer', dataset: id, rowId: 'any', policies: ['base'] })).rejects.toMatchObject(
    refused,
  );
  expect(session.state).toBe('idle');
  await session.destroy();
});
