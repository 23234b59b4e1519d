/** Adapters as people bring them: what they are is read, told or refused, before anything runs. */
import { describe, expect, test } from 'vitest';
import { openSafetensors } from '../../src/formats/safetensors.ts';
import { adapterFiles } from '../../src/train/export.ts';
import { readAdapter, type BaseWeights } from '../../src/train/import.ts';
import { collectBytes } from '../formats/collect.ts';
import { bytesSource } from '../formats/bytes-source.ts';
import { architecture, BLOCK, config, file, LAYER, linears, pair, R, read, tensor } from './foreign-adapter.ts';

describe('an adapter that is not what it seems says so', () => {
  const Q = `${LAYER}.q_proj`;
  const V = `${LAYER}.v_proj`;

  test('one whose matrices multiply to zero changes nothing', async () => {
    const none = await read({ target_modules: ['q_proj'] }, pair({ module: Q, b: 0 }));
    expect(none.notes).toContain('Every pair of matrices multiplies to zero: the adapter changes nothing.');
    const some = await read({ target_modules: ['q_proj', 'v_proj'] }, [
      ...pair({ module: Q, a: 0 }),
      ...pair({ module: V }),
    ]);
    expect(some.notes.join('\n')).toContain('1 of 2 modules have matrices that multiply to zero');
  });

  test('one that lacks modules its configuration names', async () => {
    const { notes } = await read(
      { target_modules: ['q_proj', 'v_proj'], exclude_modules: '.*visual.*' },
      pair({ module: Q }),
    );
    expect(notes.join('\n')).toMatch(/3 of the 4 modules that adapter_config\.json names have no matrices/);
  });

  test('one that also changes the vision tower', async () => {
    const { leftOut, notes, targets } = await read({ target_modules: ['q_proj', 'gate_proj'] }, [
      ...pair({ module: Q }),
      ...pair({ module: `${BLOCK}.gate_proj` }),
    ]);
    expect(targets.map(({ module }) => module)).toEqual([Q]);
    expect(leftOut).toEqual([`${BLOCK}.gate_proj`]);
    expect(notes.join('\n')).toMatch(/also changes 1 module of the vision tower.*answers here differ/);
    // One that changes nothing there is no difference.
    const idle = await read({ target_modules: ['q_proj', 'gate_proj'] }, [
      ...pair({ module: Q }),
      ...pair({ module: `${BLOCK}.gate_proj`, b: 0 }),
    ]);
    expect(idle.leftOut).toEqual([]);
  });

  test('one whose list names a layer that this model has not', async () => {
    const { notes } = await read({ target_modules: ['q_proj', 'c_attn'] }, pair({ module: Q }));
    expect(notes.join('\n')).toContain('names c_attn, which no linear layer');
  });

  test.each([
    ['NaN', NaN],
    ['infinite values', Infinity],
  ])('one with %s is refused', async (_, value) => {
    await expect(read({ target_modules: ['q_proj'] }, pair({ module: Q, b: value }))).rejects.toMatchObject({
      code: 'adapter-not-finite',
      message: expect.stringContaining('q_proj.lora_B') as string,
    });
  });

  test('one that was saved in pieces is refused with the reason', async () => {
    const [a] = pair({ module: Q });
    const empty = tensor(`base_model.model.${Q}.lora_B.weight`, [0], 0);
    await expect(read({ target_modules: ['q_proj'] }, [a!, empty])).rejects.toMatchObject({
      code: 'adapter-mismatch',
      hint: expect.stringContaining('ZeRO-3') as string,
    });
  });
});

describe('what is not computed is refused by name', () => {
  const Q = `${LAYER}.q_proj`;

  test('whole modules of its own', async () => {
    await expect(
      read({ target_modules: ['q_proj'], modules_to_save: ['lm_head'] }, pair({ module: Q })),
    ).rejects.toMatchObject({ code: 'adapter-unsupported', message: expect.stringContaining('lm_head') as string });
    // The configuration says nothing, but the file has one.
    const whole = tensor('base_model.model.lm_head.weight', [4, 4], 1);
    await expect(read({ target_modules: ['q_proj'] }, [...pair({ module: Q }), whole])).rejects.toMatchObject({
      code: 'adapter-unsupported',
    });
  });

  test('an adapter on the embedding', async () => {
    const e = 'base_model.model.model.language_model.embed_tokens';
    await expect(
      read({ target_modules: ['q_proj', 'embed_tokens'] }, [
        ...pair({ module: Q }),
        tensor(`${e}.lora_embedding_A`, [R, 8], 1),
        tensor(`${e}.lora_embedding_B`, [8, R], 1),
      ]),
    ).rejects.toMatchObject({ code: 'adapter-unsupported', message: expect.stringContaining('embedding') as string });
  });
});

describe('a whole matrix beside an adapter on the head', () => {
  const { vocabSize, shape } = architecture.decoder;
  const weights = (value: number): BaseWeights => {
    const info = {
      name: 'lm_head.weight',
      dtype: 'F32',
      shape: [vocabSize, shape.hiddenSize],
      offset: 0,
      byteLength: 0,
    } as const;
    const rows = (count: number) => new Uint8Array(new Float32Array(count * shape.hiddenSize).fill(value).buffer);
    return {
      checkpoint: {
        tensors: new Map([[info.name, info]]),
        read: async () => rows(vocabSize),
        readRows: async (_name, _first, count) => rows(count),
      },
      keyOf: (module) => (module === 'lm_head' ? 'lm_head.weight' : undefined),
    };
  };
  const tensors = [
    ...pair({ module: 'lm_head' }),
    tensor('base_model.model.lm_head.base_layer.weight', [vocabSize, shape.hiddenSize], 0.75),
  ];

  test('is the model’s own, and the adapter is read', async () => {
    const { targets, unmatched } = await read({ target_modules: ['lm_head'] }, tensors, weights(0.75));
    expect(targets.map(({ module }) => module)).toEqual(['lm_head']);
    expect(unmatched).toEqual([]);
  });

  test('or another, and is refused', async () => {
    await expect(read({ target_modules: ['lm_head'] }, tensors, weights(0.5))).rejects.toMatchObject({
      code: 'adapter-unsupported',
    });
  });
});

describe('names of transformers before 4.52', () => {
  const modules = [`${LAYER}.q_proj`, `${LAYER}.v_proj`];
  const old = (name: string) => name.replace('model.language_model', 'model');
  const tensors = modules.flatMap((module) => pair({ module }, old(module)));

  test.each([
    ['whole names in a list', modules.map(old)],
    ['a pattern of whole names', 'model\\.layers\\.0\\.self_attn\\.(q|v)_proj'],
    ['a pattern without the tower', '^(?!.*visual).*layers\\.0.*(?:q_proj|v_proj).*'],
    ['bare names', ['q_proj', 'v_proj']],
  ])('%s', async (_, target_modules) => {
    const adapter = await read({ target_modules }, tensors);
    expect(adapter.targets.map(({ module }) => module)).toEqual(modules);
    expect([adapter.matched, adapter.unmatched]).toEqual([4, []]);
    expect(adapter.notes.join('\n')).not.toContain('no linear layer');
  });

  test('are written in the configuration as in the tensors, patterns too, and read back', async () => {
    const adapter = await read(
      { target_modules: modules.map(old), rank_pattern: { v_proj: 1 }, alpha_pattern: { q_proj: 7 } },
      [...pair({ module: modules[0]! }, old(modules[0]!)), ...pair({ module: modules[1]!, rank: 1 }, old(modules[1]!))],
    );
    const files = adapterFiles(adapter, linears, 'base', 'legacy');
    const json = files[0]!.data as string;
    expect(json).not.toContain('language_model');
    const again = await readAdapter(
      linears,
      json,
      await openSafetensors(bytesSource(await collectBytes(files[1]!.data as AsyncIterable<Uint8Array>))),
    );
    expect(again.targets).toEqual(adapter.targets);
  });
});

test.each([1, 4])('rank-stabilised scaling is said at rank %i, where α/√r may equal α/r', async (r) => {
  const [a, b] = pair({ module: `${LAYER}.q_proj`, rank: r });
  const adapter = await readAdapter(
    linears,
    config({ target_modules: ['q_proj'], r, use_rslora: true }),
    await file([a!, b!]),
  );
  expect(JSON.parse(adapterFiles(adapter, linears, 'base')[0]!.data as string)).toMatchObject({ use_rslora: true, r });
});

test('rank-stabilised scaling with a rank of one among others keeps every scaling', async () => {
  const modules = [`${LAYER}.q_proj`, `${LAYER}.v_proj`];
  const adapter = await readAdapter(
    linears,
    config({ target_modules: modules, use_rslora: true, rank_pattern: { q_proj: 1, v_proj: 4 } }),
    await file([...pair({ module: modules[0]!, rank: 1 }), ...pair({ module: modules[1]!, rank: 4 })]),
  );
  const files = adapterFiles(adapter, linears, 'base');
  const again = await readAdapter(
    linears,
    files[0]!.data as string,
    await openSafetensors(bytesSource(await collectBytes(files[1]!.data as AsyncIterable<Uint8Array>))),
  );
  expect(again.targets).toEqual(adapter.targets);
});
