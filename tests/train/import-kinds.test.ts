/** What trainers of other houses write into adapters, kind by kind: read as PEFT reads it, told, or refused by name. */
import { describe, expect, test } from 'vitest';
import type { Json } from '../../src/models/fields.ts';
import { adapterTargets } from '../../src/train/policy.ts';
import type { VisionLanguageModel } from '../../src/models/model.ts';
import type { LoraSettings } from '../../src/train/recipe.ts';
import { BLOCK, LAYER, linears, pair, R, read, tensor } from './foreign-adapter.ts';

const Q = `${LAYER}.q_proj`;
const V = `${LAYER}.v_proj`;
const GATE = `${BLOCK}.gate_proj`;
const modulesOf = (adapter: Awaited<ReturnType<typeof read>>) => adapter.targets.map(({ module }) => module);

describe('modules outside the language model', () => {
  test('a convolution of the vision tower is told of and left out, as its linear layers are', async () => {
    const patches = 'model.visual.patch_embed.proj';
    const adapter = await read({ target_modules: ['q_proj', 'proj'] }, [
      ...pair({ module: Q }),
      tensor(`base_model.model.${patches}.lora_A.weight`, [R, 3, 2, 14, 14], 1),
      tensor(`base_model.model.${patches}.lora_B.weight`, [16, R, 1, 1, 1], 1),
    ]);
    expect(adapter.leftOut).toEqual([patches]);
    expect(adapter.notes.join('\n')).toMatch(
      /not linear layers of this model \(1\), such as model\.visual\.patch_embed\.proj/,
    );
    expect(adapter.notes.join('\n')).toContain('nothing is exported from it');
  });

  test('the merger and attention of the tower are left out as its feed-forward part is', async () => {
    const tower = ['model.visual.merger.mlp.0', 'model.visual.blocks.0.attn.qkv', GATE];
    const adapter = await read(
      { target_modules: [Q, ...tower] },
      [Q, ...tower].flatMap((module) => pair({ module })),
    );
    expect(modulesOf(adapter)).toEqual([Q]);
    expect([...adapter.leftOut].sort()).toEqual([...tower].sort());
  });

  test('an adapter for the tower alone is refused with the way round', async () => {
    await expect(read({ target_modules: ['gate_proj'] }, pair({ module: GATE }))).rejects.toMatchObject({
      code: 'adapter-unsupported',
      hint: expect.stringContaining('load the merged model') as string,
    });
  });

  test('matrices that the configuration does not name are told of, and not used, as in PEFT', async () => {
    const adapter = await read({ target_modules: ['q_proj'] }, [...pair({ module: Q }), ...pair({ module: V })]);
    expect(modulesOf(adapter)).toEqual([Q]);
    expect(adapter.leftOut).toEqual([]);
    expect(adapter.notes.join('\n')).toMatch(/matrices for 1 module that adapter_config\.json does not name.*v_proj/);
  });

  test('one module under two names is refused', async () => {
    const old = Q.replace('model.language_model', 'model');
    await expect(
      read({ target_modules: ['q_proj'] }, [...pair({ module: Q }), ...pair({ module: Q, b: 1 }, old)]),
    ).rejects.toMatchObject({
      code: 'adapter-mismatch',
      message: expect.stringContaining('under another name') as string,
    });
  });
});

describe('numbers that do nothing or cannot be', () => {
  test('an alpha of zero changes nothing', async () => {
    const { notes } = await read({ target_modules: ['q_proj'], lora_alpha: 0 }, pair({ module: Q }));
    expect(notes).toContain('Every pair of matrices multiplies to zero: the adapter changes nothing.');
  });

  test('rows of A that meet only zero columns of B change nothing', async () => {
    const { inFeatures, outFeatures } = linears.find(({ name }) => name === Q)!;
    const f32 = (values: readonly number[]) => () => new Uint8Array(new Float32Array(values).buffer);
    // Rank 0 has a row and no column, rank 1 a column and no row.
    const a = Array.from({ length: R * inFeatures }, (_, i) => (i < inFeatures ? 1 : 0));
    const b = Array.from({ length: outFeatures * R }, (_, i) => (i % R === 1 ? 1 : 0));
    const { notes } = await read({ target_modules: ['q_proj'] }, [
      { name: `base_model.model.${Q}.lora_A.weight`, dtype: 'F32', shape: [R, inFeatures], bytes: f32(a) },
      { name: `base_model.model.${Q}.lora_B.weight`, dtype: 'F32', shape: [outFeatures, R], bytes: f32(b) },
    ]);
    expect(notes.join('\n')).toContain('changes nothing');
  });

  test('a rank that is not the configuration’s names both', async () => {
    await expect(read({ target_modules: ['q_proj'], r: 7 }, pair({ module: Q }))).rejects.toMatchObject({
      code: 'adapter-mismatch',
      message: expect.stringMatching(/lora_A is \[2, \d+\], but this model needs \[7, \d+\]/) as string,
    });
  });

  test('matrices of whole numbers are refused', async () => {
    const { inFeatures, outFeatures } = linears.find(({ name }) => name === Q)!;
    const bytes = (count: number) => () => new Uint8Array(count);
    await expect(
      read({ target_modules: ['q_proj'] }, [
        {
          name: `base_model.model.${Q}.lora_A.weight`,
          dtype: 'I8',
          shape: [R, inFeatures],
          bytes: bytes(R * inFeatures),
        },
        {
          name: `base_model.model.${Q}.lora_B.weight`,
          dtype: 'I8',
          shape: [outFeatures, R],
          bytes: bytes(R * outFeatures),
        },
      ]),
    ).rejects.toMatchObject({ code: 'adapter-mismatch', message: expect.stringContaining('stored as I8') as string });
  });
});

describe('fields that other trainers use', () => {
  test.each<[string, Json, string]>([
    ['biases of the whole model', { bias: 'all' }, 'bias'],
    ['biases of the adapted layers', { bias: 'lora_only' }, 'bias'],
    ['a bias in B', { lora_bias: true }, 'lora_bias'],
    ['QALoRA', { use_qalora: true }, 'use_qalora'],
    ['single tokens of the embedding', { trainable_token_indices: [1, 2] }, 'trainable_token_indices'],
    ['tokens by layer', { trainable_token_indices: { embed_tokens: [3] } }, 'trainable_token_indices'],
    ['parameters that are no layers', { target_parameters: ['mlp.experts.down_proj'] }, 'target_parameters'],
    ['repeated layers', { layer_replication: [[0, 2]] }, 'layer_replication'],
    ['activated LoRA', { alora_invocation_tokens: [5] }, 'alora_invocation_tokens'],
    ['Megatron’s parallel layers', { megatron_config: { tensor_model_parallel_size: 2 } }, 'megatron_config'],
    ['PiSSA’s changed base', { init_lora_weights: 'pissa_niter_16' }, 'init_lora_weights'],
    ['LoftQ’s changed base', { init_lora_weights: 'loftq' }, 'init_lora_weights'],
    ['OLoRA’s changed base', { init_lora_weights: 'olora' }, 'init_lora_weights'],
    ['IA3', { peft_type: 'IA3', feedforward_modules: ['down_proj'] }, 'IA3'],
    ['LoHa', { peft_type: 'LOHA' }, 'LOHA'],
    ['LoKr', { peft_type: 'LOKR' }, 'LOKR'],
    ['AdaLoRA', { peft_type: 'ADALORA' }, 'ADALORA'],
    ['VeRA', { peft_type: 'VERA' }, 'VERA'],
    ['prompt tuning', { peft_type: 'PROMPT_TUNING' }, 'PROMPT_TUNING'],
    ['whole modules', { modules_to_save: ['visual.merger'] }, 'visual.merger'],
  ])('%s are refused by name', async (_, fields, name) => {
    await expect(read({ target_modules: ['q_proj'], ...fields }, pair({ module: Q }))).rejects.toMatchObject({
      code: 'adapter-unsupported',
      message: expect.stringContaining(name) as string,
      hint: expect.stringContaining('merge_and_unload') as string,
    });
  });

  test.each<[string, Json]>([
    ['a layout that linear layers have not', { fan_in_fan_out: true }],
    ['Gaussian beginnings', { init_lora_weights: 'gaussian' }],
    ['EVA’s beginnings', { init_lora_weights: 'eva', eva_config: { rho: 2 } }],
    ['empty settings of LoftQ', { loftq_config: {} }],
    ['a list of one layer', { layers_to_transform: 0 }],
    ['a name for what holds the layers', { layers_to_transform: [0], layers_pattern: 'layers' }],
    ['exclusions as a list', { exclude_modules: ['visual'] }],
    ['exclusions as a pattern', { exclude_modules: '.*visual.*' }],
  ])('%s change nothing', async (_, fields) => {
    const adapter = await read(
      { target_modules: ['q_proj'], exclude_modules: '.*layers\\.[1-9].*', ...fields },
      pair({ module: Q }),
    );
    expect(modulesOf(adapter)).toEqual([Q]);
    expect([adapter.matched, adapter.unmatched, adapter.leftOut]).toEqual([2, [], []]);
  });

  test('a file’s bias beside B is not passed by', async () => {
    const { outFeatures } = linears.find(({ name }) => name === Q)!;
    await expect(
      read({ target_modules: ['q_proj'] }, [
        ...pair({ module: Q }),
        tensor(`base_model.model.${Q}.lora_B.bias`, [outFeatures], 1),
      ]),
    ).rejects.toMatchObject({ code: 'adapter-unsupported', message: expect.stringContaining('lora_B.bias') as string });
  });

  test('fields of a version to come are named', async () => {
    const { notes } = await read({ target_modules: ['q_proj'], use_newlora: { x: 1 } }, pair({ module: Q }));
    expect(notes.join('\n')).toContain('not known here and not used: use_newlora');
  });
});

describe('alphas and ranks by pattern', () => {
  test('under names of transformers before 4.52, although target_modules has bare names', async () => {
    const old = (name: string) => name.replace('model.language_model', 'model');
    const adapter = await read(
      { target_modules: ['q_proj', 'v_proj'], alpha_pattern: { [`^${old(V)}`]: 32 }, exclude_modules: '.*visual.*' },
      [...pair({ module: Q }, old(Q)), ...pair({ module: V }, old(V))],
    );
    expect(adapter.targets.map(({ alpha }) => alpha)).toEqual([4, 32]);
    expect(adapter.notes.join('\n')).not.toContain('alpha_pattern');
  });

  test('that match nothing are told', async () => {
    const { notes } = await read({ target_modules: ['q_proj'], alpha_pattern: { qq_proj: 32 } }, pair({ module: Q }));
    expect(notes.join('\n')).toContain('“qq_proj”, which matches no module');
  });
});

describe('names as other trainers write them', () => {
  const unsloth =
    '(?:.*?(?:language|text).*?(?:self_attn|attention|attn|mlp|feed_forward|ffn|dense).*?(?:k_proj|v_proj|q_proj|out_proj|fc1|fc2|o_proj|gate_proj|up_proj|down_proj).*?)|(?:\\bmodel\\.layers\\.[\\d]{1,}\\.(?:self_attn|attention|attn|mlp|feed_forward|ffn|dense)\\.(?:(?:k_proj|v_proj|q_proj)))';
  test.each([
    ['Unsloth', unsloth, (name: string) => name],
    ['Unsloth before transformers 4.52', unsloth, (name: string) => name.replace('model.language_model', 'model')],
    [
      'LLaMA-Factory',
      '^(?!.*visual).*(?:q_proj|v_proj).*',
      (name: string) => name.replace('model.language_model', 'model'),
    ],
    ['ms-swift 3', '^(model\\.language_model(?=\\.).*\\.(q_proj|v_proj))$', (name: string) => name],
    [
      'a wrapper more',
      ['q_proj', 'v_proj'],
      (name: string) => name.replace('model.language_model', 'language_model.model'),
    ],
    ['a wrapper less', ['q_proj', 'v_proj'], (name: string) => name.replace('model.language_model', 'language_model')],
  ])('%s', async (_, target_modules, written) => {
    const adapter = await read({ target_modules }, [
      ...pair({ module: Q }, written(Q)),
      ...pair({ module: V }, written(V)),
    ]);
    expect(modulesOf(adapter)).toEqual([Q, V]);
    expect([adapter.matched, adapter.unmatched, adapter.leftOut]).toEqual([4, [], []]);
  });

  test('the name of the adapter inside the keys, as a dump of the model has it', async () => {
    const named = pair({ module: Q }).map((t) => ({ ...t, name: t.name.replace(/\.weight$/, '.default.weight') }));
    expect(modulesOf(await read({ target_modules: ['q_proj'] }, named))).toEqual([Q]);
  });

  test('a pattern of ms-swift 2 that also matches containers is read, and it is said that PEFT refuses it', async () => {
    const old = (name: string) => name.replace('model.language_model', 'model');
    const adapter = await read({ target_modules: '^(model)(?!.*(lm_head|output|emb|wte|shared)).*' }, [
      ...pair({ module: Q }, old(Q)),
      ...pair({ module: V }, old(V)),
    ]);
    expect(modulesOf(adapter)).toEqual([Q, V]);
    expect(adapter.notes.join('\n')).toContain('PEFT refuses the adapter');
  });
});

describe('the target modules of a recipe', () => {
  const targets = (settings: Partial<LoraSettings>) =>
    adapterTargets(
      { linears } as unknown as VisionLanguageModel,
      {
        r: 4,
        loraAlpha: 8,
        targetModules: ['q_proj'],
        ...settings,
      } as LoraSettings,
    );

  test('a name that no layer has is refused before anything is trained', () =>
    expect(() => targets({ targetModules: ['q_proj', 'c_attn'] })).toThrow(
      expect.objectContaining({
        code: 'lora-no-target',
        message: expect.stringContaining('c_attn') as string,
      }) as Error,
    ));

  test('so is one that only the vision tower has, which is left out by default', () =>
    expect(() => targets({ targetModules: ['q_proj', 'qkv'] })).toThrow(
      expect.objectContaining({
        code: 'lora-no-target',
        message: expect.stringMatching(/called qkv.*exclude_modules/) as string,
      }) as Error,
    ));

  test('the embedding has a hint of its own', () =>
    expect(() => targets({ targetModules: ['q_proj', 'embed_tokens'] })).toThrow(
      expect.objectContaining({
        code: 'lora-no-target',
        hint: expect.stringContaining('Embeddings') as string,
      }) as Error,
    ));

  test('names that both towers have reach the language model alone', () => {
    const modules = targets({ targetModules: ['gate_proj'] }).map(({ module }) => module);
    expect(modules.length).toBeGreaterThan(0);
    expect(modules.filter((module) => module.includes('visual'))).toEqual([]);
  });
});
