/** config.json: what counts is computed or refused by name, and what is unknown is told. */
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { GroundworkError } from '../../src/base/error.ts';
import { PUBLISHED } from '../../src/engine/model/published.ts';
import { CONVENTIONS } from '../../src/grounding/convention.ts';
import type { Json } from '../../src/models/fields.ts';
import { parseArchitecture } from '../../src/models/load.ts';

const golden = fileURLToPath(new URL('../golden/', import.meta.url));
const cases = Object.keys(CONVENTIONS).flatMap((family) =>
  readdirSync(golden + family)
    .filter((name) => !name.startsWith('.'))
    .map((name) => `${family}/${name}`),
);
const configOf = (name: string) => JSON.parse(readFileSync(`${golden}${name}/checkpoint/config.json`, 'utf8')) as Json;

/** The config with one field set, by a path such as `text_config.head_dim`. */
function withField(config: Json, path: string, value: unknown): Json {
  const [first, ...rest] = path.split('.') as [string, ...string[]];
  const inner = rest.length ? withField((config[first] ?? {}) as Json, rest.join('.'), value) : value;
  return { ...config, [first]: inner };
}

function refusal(config: Json): GroundworkError | null {
  try {
    parseArchitecture(config);
    return null;
  } catch (error) {
    expect(error).toBeInstanceOf(GroundworkError);
    return error as GroundworkError;
  }
}

test.each(cases)('%s: nothing in its config.json is passed over', (name) =>
  expect(parseArchitecture(configOf(name)).notes).toEqual([]),
);

test.each(PUBLISHED)('$id: nothing in its config.json is passed over', ({ config }) =>
  expect(parseArchitecture(config).notes).toEqual([]),
);

test.each([
  [{ auto_map: { AutoModel: 'modeling_mine.Mine' } }, 'code of its own (auto_map)'],
  [{ architectures: ['Qwen2_5_VLForSequenceClassification'] }, 'written for Qwen2_5_VLForSequenceClassification'],
])('%j is told', (fields, words) => {
  const { notes } = parseArchitecture({ ...configOf('qwen2_5_vl/one-image'), ...fields });
  expect(notes).toEqual([expect.stringContaining(words)]);
});

test.each([{ pruned_heads: { 0: [1] } }, { add_cross_attention: true }])('%j is refused', (fields) =>
  expect(refusal({ ...configOf('qwen2_5_vl/one-image'), ...fields })?.code).toBe('config-invalid'),
);

/** Of every family: its decoder's section, and one of its configs. */
const SECTIONS = [
  ['qwen2_5_vl/one-image', ''],
  ['qwen2_5_vl/two-images', 'text_config.'],
  ['qwen2_vl/one-image', ''],
  ['qwen3_vl/one-image', 'text_config.'],
  ['smolvlm/split', 'text_config.'],
] as const;

describe.each(SECTIONS)('%s, %s', (name, text) => {
  const config = configOf(name);

  test.each([
    ['use_sliding_window', true],
    ['partial_rotary_factor', 0.5],
    ['layer_types', ['full_attention', 'sliding_attention']],
    ['final_logit_softcapping', 30],
    ['num_experts', 8],
    ['qk_layer_norms', true],
    ['hidden_act', 'gelu'],
  ])('%s of %j would change every answer, and is refused', (key, value) => {
    const error = refusal(withField(config, text + key, value));
    expect(error?.code).toBe('config-invalid');
    expect(error?.message).toContain(`${text}${key} is `);
  });

  test.each(['dynamic', 'longrope', 'su', 7])('positions stretched in a way that is not known here: %j', (type) => {
    const error = refusal(withField(config, `${text}rope_scaling.rope_type`, type));
    expect(error?.code).toBe('config-invalid');
    expect(error?.message).toMatch(/rope_type/);
  });

  test('a stretch without its factor, or rotary settings that say two things, are refused', () => {
    const types = { ...(withField(config, `${text}rope_scaling.rope_type`, 'yarn') as object) } as Json;
    expect(refusal(types)?.message).toMatch(/factor|type/);
    const twice = withField(
      withField(config, `${text}rope_parameters.rope_theta`, 10),
      `${text}rope_scaling.rope_theta`,
      20,
    );
    expect(refusal(twice)?.message).toMatch(/rope_theta is 10, but .*rope_theta is 20/);
  });

  test('a key that nobody knows is told by name, and one that acts in training alone', () => {
    const odd = withField(withField(config, `${text}warp_factor`, 9), 'vision_config.lens', 'fish-eye');
    const { notes } = parseArchitecture(withField(odd, `${text}attention_dropout`, 0.1));
    expect(notes.join('\n')).toContain(`${text}warp_factor`);
    expect(notes.join('\n')).toContain('vision_config.lens');
    expect(notes.join('\n')).toContain(`${text}attention_dropout is 0.1`);
  });

  test.each([
    ['hidden_size', 62],
    ['intermediate_size', 3.5],
    ['intermediate_size', 30],
    ['num_attention_heads', 5],
    ['num_key_value_heads', 3000],
    ['num_hidden_layers', 2e9],
    ['num_hidden_layers', 1.5],
    ['vocab_size', 1e12],
  ])('a %s of %d is refused before anything is made of it', (key, value) =>
    expect(refusal(withField(config, text + key, value))?.code).toBe('config-invalid'),
  );
});

test('a head that no kernel computes is refused by name', () => {
  const qwen3 = withField(configOf('qwen3_vl/one-image'), 'text_config.head_dim', 256);
  expect(refusal(qwen3)?.message).toMatch(/head_dim is 256 .*no more than 128/);
  const odd = withField(configOf('smolvlm/split'), 'vision_config.num_attention_heads', 4);
  expect(refusal(odd)?.message).toMatch(/num_attention_heads is 4 .*multiple of 4 values/);
  const apart = withField(configOf('qwen2_vl/one-image'), 'head_dim', 32);
  expect(refusal(apart)?.message).toMatch(/head_dim is 32 .*hidden_size \/ num_attention_heads/);
});

const TOWERS: readonly (readonly [string, string, unknown])[] = [
  ['qwen2_vl/one-image', 'depth', 2e9],
  ['qwen2_vl/one-image', 'embed_dim', 34],
  ['qwen2_vl/one-image', 'mlp_ratio', 1e9],
  ['qwen2_vl/one-image', 'spatial_merge_size', 4000],
  ['qwen2_vl/one-image', 'in_channels', 4],
  ['qwen2_vl/one-image', 'hidden_size', 4],
  ['qwen2_5_vl/one-image', 'depth', 2e9],
  ['qwen2_5_vl/one-image', 'window_size', 1],
  ['qwen2_5_vl/one-image', 'patch_size', 7],
  ['qwen2_5_vl/one-image', 'num_heads', 3],
  ['qwen2_5_vl/one-image', 'rope_parameters', { rope_theta: 500 }],
  ['qwen3_vl/one-image', 'deepstack_visual_indexes', [1, 1]],
  ['qwen3_vl/one-image', 'num_position_embeddings', 4e9],
  ['smolvlm/split', 'num_hidden_layers', 2e9],
  ['smolvlm/split', 'image_size', 2e9],
  ['smolvlm/split', 'patch_size', 48],
];

test.each(TOWERS)('%s: a vision tower with %s of %j is refused at once', (name, key, value) => {
  const error = refusal(withField(configOf(name), `vision_config.${key}`, value));
  expect(error?.code).toBe('config-invalid');
  expect(error?.message).toContain(`vision_config.${key}`);
});

test('what stands twice in a config must say the same', () => {
  const nested = configOf('qwen2_5_vl/two-images');
  expect(refusal({ ...nested, hidden_size: (nested['text_config'] as Json)['hidden_size'] })).toBeNull();
  expect(refusal({ ...nested, hidden_size: 4 })?.message).toMatch(
    /text_config\.hidden_size is \d+, but hidden_size is 4/,
  );
});
