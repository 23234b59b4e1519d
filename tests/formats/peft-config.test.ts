import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type AdapterConfig, readAdapterConfig, writeAdapterConfig } from '../../src/formats/peft.ts';

const PLAIN: AdapterConfig = {
  baseModelNameOrPath: 'Qwen/Qwen2.5-VL-3B-Instruct',
  r: 16,
  loraAlpha: 32,
  loraDropout: 0.05,
  targetModules: ['v_proj', 'q_proj'],
  excludeModules: null,
  layersToTransform: null,
  layersPattern: null,
  rankPattern: {},
  alphaPattern: {},
  useRslora: false,
  useDora: false,
  modulesToSave: null,
};
const read = (fields: object) =>
  readAdapterConfig(JSON.stringify({ peft_type: 'LORA', target_modules: ['q_proj'], ...fields }));
const code = (expected: string) => expect.objectContaining({ code: expected });

test('a file written by PEFT 0.21 is read, and none of its fields is unknown', () => {
  const file = new URL('../golden/qwen2_5_vl/one-image/adapter/adapter_config.json', import.meta.url);
  const text = readFileSync(file, 'utf8');
  const { config, unknown } = readAdapterConfig(text);
  const said = JSON.parse(text) as Record<string, unknown>;
  expect(unknown).toEqual([]);
  expect(config).toMatchObject({
    r: said.r,
    loraAlpha: said.lora_alpha,
    targetModules: said.target_modules,
    useRslora: false,
  });
});

test('missing fields have PEFT’s defaults', () => {
  expect(read({}).config).toMatchObject({
    r: 8,
    loraAlpha: 8,
    loraDropout: 0,
    useDora: false,
    layersToTransform: null,
  });
});

test('a regular expression, patterns, rslora, DoRA and bare values for lists are read', () => {
  const { config } = read({
    target_modules: '.*q_proj',
    rank_pattern: { q_proj: 4 },
    use_rslora: true,
    use_dora: true,
  });
  expect(config).toMatchObject({
    targetModules: '.*q_proj',
    rankPattern: { q_proj: 4 },
    useRslora: true,
    useDora: true,
  });
  expect(read({ layers_to_transform: 3, layers_pattern: 'layers' }).config).toMatchObject({
    layersToTransform: [3],
    layersPattern: ['layers'],
  });
});

test('fields nobody knows are ignored and listed', () => {
  expect(read({ zeta: 1, constructor: 2, r: 4 }).unknown).toEqual(['constructor', 'zeta']);
});

test.each([
  ['not JSON', '{'],
  ['a list', '[]'],
  ['no targets', '{"peft_type":"LORA"}'],
  ['a rank of 0', '{"target_modules":["q"],"r":0}'],
  ['a rank in words', '{"target_modules":["q"],"r":"8"}'],
  ['targets of numbers', '{"target_modules":[1]}'],
  ['a broken pattern map', '{"target_modules":["q"],"rank_pattern":{"q":"4"}}'],
  ['a flag in words', '{"target_modules":["q"],"use_dora":"yes"}'],
])('%s is refused with a reason', (_, text) => {
  expect(() => readAdapterConfig(text)).toThrow(code('adapter-config'));
});

test.each([
  { peft_type: 'IA3' },
  { bias: 'all' },
  { lora_bias: true },
  { layer_replication: [[0, 2]] },
  { target_parameters: ['experts.w'] },
  { init_lora_weights: 'pissa_niter_16' },
  { init_lora_weights: 'loftq' },
  { use_qalora: true },
])('%j changes what the adapter computes, so it is refused by name', (fields) => {
  const [field] = Object.keys(fields);
  expect(() => read(fields)).toThrow(code('adapter-unsupported'));
  expect(() => read(fields)).toThrow(field!);
});

test.each([
  { init_lora_weights: 'gaussian' },
  { init_lora_weights: false },
  { bias: 'none' },
  { fan_in_fan_out: true },
  { lora_bias: null },
  { loftq_config: {} },
])('%j changes nothing, so it is accepted', (fields) => {
  expect(read(fields).config.r).toBe(8);
});

test('the written file is the minimal one, keys and targets sorted, two spaces', () => {
  const text = writeAdapterConfig(PLAIN);
  const keys = Object.keys(JSON.parse(text) as object);
  expect(keys).toEqual([
    'alpha_pattern', 'auto_mapping', 'base_model_name_or_path', 'bias', 'fan_in_fan_out', 'inference_mode', 'init_lora_weights',
    'layers_pattern', 'layers_to_transform', 'lora_alpha', 'lora_dropout', 'modules_to_save', 'peft_type', 'r', 'rank_pattern',
    'revision', 'target_modules', 'task_type', 'use_dora', 'use_rslora',
  ]); // prettier-ignore
  expect(text).toContain('  "target_modules": [\n    "q_proj",\n    "v_proj"\n  ],');
  expect(text).toContain('\n  "lora_alpha": 32,');
});

test('fields that old loaders do not know are written only when they say something', () => {
  expect(JSON.parse(writeAdapterConfig({ ...PLAIN, excludeModules: '.*visual.*' }))).toHaveProperty(
    'exclude_modules',
    '.*visual.*',
  );
  expect(writeAdapterConfig({ ...PLAIN, excludeModules: [] })).not.toContain('exclude_modules');
});

test('what is written reads back the same', () => {
  const names = fc
    .array(fc.stringMatching(/^[a-z_]{1,8}$/), { minLength: 1, maxLength: 4 })
    .map((a) => [...new Set(a)].sort());
  const pattern = fc.dictionary(fc.stringMatching(/^[a-z.]{1,8}$/), fc.integer({ min: 1, max: 256 }), { maxKeys: 3 });
  const config: fc.Arbitrary<AdapterConfig> = fc.record({
    baseModelNameOrPath: fc.option(fc.string()),
    r: fc.integer({ min: 1, max: 256 }),
    loraAlpha: fc.integer({ min: 1, max: 512 }),
    loraDropout: fc.constantFrom(0, 0.05, 0.5),
    targetModules: fc.oneof(names, fc.stringMatching(/^[a-z.*]{1,8}$/)),
    excludeModules: fc.option(names),
    layersToTransform: fc.option(fc.array(fc.nat(40))),
    layersPattern: fc.option(names),
    rankPattern: pattern,
    alphaPattern: pattern,
    useRslora: fc.boolean(),
    useDora: fc.boolean(),
    modulesToSave: fc.option(names),
  });
  fc.assert(
    fc.property(config, (c) => {
      expect(readAdapterConfig(writeAdapterConfig(c))).toEqual({ config: c, unknown: [] });
    }),
    { numRuns: 100 },
  );
});
