/** Adapters kept by name: trained here, imported, stacked, continued, switched off. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { filesUnder } from '../../src/cli/node-files.ts';
import type { AdaptersReport, NamedFile, Recipe, Stage } from '../../src/engine/protocol/index.ts';
import { openZip } from '../../src/formats/zip.ts';
import { registerDecoder } from '../../src/image/decode.ts';
import { nodeDecode } from '../../src/image/node-decode.ts';
import { lora, optimizer, sftStage } from '../../src/train/stages/index.ts';
import { fewRows, starter } from './few-rows.ts';
import { openEngine } from './open-engine.ts';

registerDecoder(nodeDecode);

const learns = (learningRate: number, r = 4): Stage =>
  sftStage({
    lora: lora(r, 2 * r),
    optimizer: optimizer(learningRate, 0, 'constant'),
    maxSteps: 3,
    perDeviceTrainBatchSize: 2,
    maxLength: 0,
  });
const recipe = (name: string, ...stages: Stage[]): Recipe => ({ name, seed: 1, stages });

describe('adapters on the starter', () => {
  const engine = openEngine();
  const { session, of } = engine;
  let dataset = '';
  let rowId = '';
  let files: NamedFile[] = [];

  const answer = async (policy: 'base' | 'tuned') =>
    (await session.handle({ type: 'answer', dataset, rowId, policies: [policy] }))[0]!.text;
  const run = async (plan: Recipe) => {
    await session.handle({ type: 'start', dataset, recipe: plan });
    await session.running;
    expect(of('failure')).toEqual([]);
  };
  const exported = async (request: { adapter?: string; style?: 'legacy' } = {}): Promise<NamedFile> => {
    const { stream } = await session.handle({ type: 'export', what: 'adapter', ...request });
    return { path: 'a.zip', file: await new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>).blob() };
  };
  const idOf = (report: AdaptersReport, name: string) => report.adapters.find((a) => a.name === name)!.id;
  const stack = (ids: string[], continueTop = false) =>
    session.handle({ type: 'adapter-stack', stack: ids, continueTop });
  const imported = (name: string, given: NamedFile[]) => session.handle({ type: 'adapter-import', name, files: given });

  let base = '';
  let tuned = '';
  beforeAll(async () => {
    await session.handle({ type: 'load-starter', baseUrl: starter });
    dataset = (await session.handle({ type: 'open-dataset', name: 'few', files: await fewRows() })).id;
    rowId = (await session.handle({ type: 'rows', dataset, split: 'train', offset: 0, count: 1 })).rows[0]!.id;
    base = await answer('base');
    // So high a rate that the answer becomes another.
    await run(recipe('first', learns(3e-2)));
    tuned = await answer('tuned');
    files = [await exported()];
  });
  afterAll(() => session.destroy());

  test('what a run has learnt is kept under its name', async () => {
    const report = await session.handle({ type: 'adapters' });
    expect(report).toMatchObject({ stack: [], tuned: 'run' });
    expect(report.adapters).toEqual([expect.objectContaining({ name: 'first', origin: 'trained', ranks: [4, 4] })]);
    expect(of('adapters').at(-1)!.report).toEqual(report);
    expect(tuned).not.toBe(base);
  });

  test('kept adapters are merged into one more, which says how like its parts it is', async () => {
    const first = idOf(await session.handle({ type: 'adapters' }), 'first');
    const merge = (name: string, weight: number) =>
      session.handle({
        type: 'adapter-merge',
        name,
        parts: [
          { id: first, weight },
          { id: first, weight: 0.25 },
        ],
        kind: 'cat',
        density: 1,
        rank: null,
      });
    const report = await merge('whole', 0.75);
    const { merge: compared, ...whole } = report.adapters.find(({ name }) => name === 'whole')!;
    expect(whole).toMatchObject({ origin: 'merged', ranks: [8, 8] });
    expect(compared!.parts.map(({ cosine }) => cosine)).toEqual([expect.closeTo(1), expect.closeTo(1)]);
    expect(compared!.norm).toBeCloseTo(compared!.parts[0]!.norm, 5);
    expect(compared!.oddest.length).toBeGreaterThan(0);
    await stack([whole.id]);
    expect(await answer('tuned')).toBe(tuned);
    const none = idOf(await merge('none', -0.25), 'none');
    await stack([none]);
    expect(await answer('tuned')).toBe(base);
    await stack([]);
    for (const id of [whole.id, none]) await session.handle({ type: 'adapter-remove', id });
    await expect(
      session.handle({
        type: 'adapter-merge',
        name: 'x',
        parts: [{ id: 'gone', weight: 1 }],
        kind: 'cat',
        density: 1,
        rank: null,
      }),
    ).rejects.toMatchObject({ code: 'adapter-unknown' });
  });

  test('an exported adapter comes back, in both key styles, and answers the same', async () => {
    for (const [name, file] of [
      ['current', files[0]!],
      ['legacy', await exported({ style: 'legacy' })],
    ] as const) {
      const report = await imported(name, [file]);
      const entry = report.adapters.find((a) => a.name === name)!;
      expect([entry.matched, entry.origin, entry.unmatched]).toEqual([entry.total, 'imported', []]);
      await stack([entry.id]);
      expect(await answer('tuned')).toBe(tuned);
    }
    await stack([]);
    expect(await answer('tuned')).toBe(base);
    expect((await imported('current', files)).adapters.map((a) => a.name)).toContain('current 2');
  });

  test('a run continues the top of the stack: without learning it stays what it was', async () => {
    const report = await session.handle({ type: 'adapters' });
    await stack([idOf(report, 'current')], true);
    await run(recipe('continued', learns(0, 8)));
    expect((await session.handle({ type: 'adapters' })).adapters.at(-1)).toMatchObject({
      name: 'continued',
      ranks: [4, 4],
    });
    expect(await answer('tuned')).toBe(tuned);
    const { entries } = await openZip((await exported()).file);
    const before = await openZip(files[0]!.file);
    const weights = async (all: typeof entries) =>
      new Uint8Array(await (await all.find((e) => e.path.endsWith('.safetensors'))!.blob()).arrayBuffer());
    expect(await weights(entries)).toEqual(await weights(before.entries));
  });

  test('a run on top of a frozen stack trains an adapter of its own, and both are exported as one', async () => {
    const report = await session.handle({ type: 'adapters' });
    await stack([idOf(report, 'current')]);
    await run(recipe('above', learns(0, 8)));
    // The new adapter’s B is still zero.
    expect(await answer('tuned')).toBe(tuned);
    const after = await session.handle({ type: 'adapters' });
    expect(after.adapters.at(-1)).toMatchObject({ name: 'above', ranks: [12, 12] });
    await stack([idOf(after, 'above')]);
    expect(await answer('tuned')).toBe(tuned);
  });

  test('stacked adapters add up', async () => {
    const report = await session.handle({ type: 'adapters' });
    const [one, other] = [idOf(report, 'current'), idOf(report, 'legacy')];
    await stack([one, other]);
    const twice = await answer('tuned');
    await stack([one]);
    expect(await answer('tuned')).toBe(tuned);
    await stack([one, other]);
    expect(await answer('tuned')).toBe(twice);
    // As one adapter, of both ranks.
    const both = (await imported('both', [await exported()])).adapters.at(-1)!;
    expect(both.ranks).toEqual([8, 8]);
    await stack([both.id]);
    expect(await answer('tuned')).toBe(twice);
  });

  test('removing one takes it off the stack', async () => {
    const report = await session.handle({ type: 'adapters' });
    await stack([idOf(report, 'both')]);
    const after = await session.handle({ type: 'adapter-remove', id: idOf(report, 'both') });
    expect(after.stack).toEqual([]);
    expect(after.adapters.map((a) => a.name)).not.toContain('both');
    await expect(session.handle({ type: 'adapter-remove', id: 'gone' })).rejects.toMatchObject({
      code: 'adapter-unknown',
    });
  });

  test('bad files are refused with words, and nothing is kept', async () => {
    const before = await session.handle({ type: 'adapters' });
    const { entries } = await openZip(files[0]!.file);
    const part = async (name: string) => (await entries.find((e) => e.path === name)!.blob()) as Blob;
    const [config, weights] = [await part('adapter_config.json'), await part('adapter_model.safetensors')];
    const bytes = new Uint8Array(await weights.arrayBuffer());
    const lying = bytes.slice();
    new DataView(lying.buffer).setBigUint64(0, 2n ** 60n, true);
    const given = (file: Blob) => [
      { path: 'x/adapter_config.json', file: config },
      { path: 'x/adapter_model.safetensors', file },
    ];
    const foreign = (await filesUnder('tests/golden/smolvlm/split/adapter')).map(({ path, file }) => ({ path, file }));
    const wider = (await filesUnder('tests/golden/qwen2_5_vl/one-image/adapter')).map(({ path, file }) => ({
      path,
      file,
    }));
    const cases: [NamedFile[], string][] = [
      [given(new Blob([lying])), 'safetensors'],
      [given(new Blob([bytes.slice(0, -100)])), 'truncated'],
      [given(new Blob([bytes.slice(0, 4)])), 'truncated'],
      [[{ path: 'adapter_config.json', file: config }], 'adapter-incomplete'],
      [
        [
          { path: 'adapter_config.json', file: config },
          { path: 'adapter_model.bin', file: weights },
        ],
        'adapter-incomplete',
      ],
      [[{ path: 'x/adapter_config.json', file: new Blob(['{']) }, given(weights)[1]!], 'adapter-config'],
      [[{ path: 'a.zip', file: files[0]!.file.slice(0, 1000) }], 'zip'],
      [foreign, 'adapter-mismatch'],
      [wider, 'adapter-mismatch'],
    ];
    for (const [bad, code] of cases)
      await expect(imported('bad', bad)).rejects.toMatchObject({ code: expect.stringContaining(code) as string });
    expect(await session.handle({ type: 'adapters' })).toEqual(before);
    expect(engine.errors).toEqual([]);
  });
});
